"""The exchange of bands by the runner's own shuffle: `--exchange native`.

By default the shards of a stage hand each other parts of files. On a cluster whose workers share no fast
disk it can be better that batches travel through Beam's GroupByKey; the result is the same.
"""

import pyarrow as pa
from apache_beam.coders import Coder, registry


class Parcel:
    """A record batch on its way from a holder. Never pickled: a pickled slice drags its whole parent along (apache/arrow#26685)."""

    def __init__(self, holder: int, batch: pa.RecordBatch) -> None:
        self.holder, self.batch = holder, batch

    def __reduce__(self) -> str:
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("a Parcel travels through its coder only; declare it as the output type of the step that makes it")


class ParcelCoder(Coder):
    """A parcel as Arrow IPC, the holder's number in the schema's metadata."""

    def encode(self, value: Parcel) -> bytes:
        """To bytes."""
        schema = value.batch.schema.with_metadata({"holder": str(value.holder)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_batch(value.batch.replace_schema_metadata(schema.metadata))
        return bytes(sink.getvalue())

    def decode(self, encoded: bytes) -> Parcel:
        """From bytes."""
        batch = pa.ipc.open_stream(encoded).read_next_batch()
        return Parcel(int(batch.schema.metadata[b"holder"]), batch)

    def is_deterministic(self) -> bool:
        """Whether equal parcels have equal bytes."""
        return True


registry.register_coder(Parcel, ParcelCoder)
