"""The pipelines: the only code that knows Beam, the stages, and the command line."""
