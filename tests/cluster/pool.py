"""Beam's pool of Python workers at one address: python -m tests.cluster.pool 127.0.0.2:50000.

What Beam has for a machine of its own, `python -m apache_beam.runners.worker.worker_pool_main`, takes its port at all addresses, so that
there can be one on a machine. Each TaskManager needs its own: they number their workers alike, and whichever is done first would have
the other's worker killed.
"""

import sys

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils.thread_pool_executor import shared_unbounded_instance


def main() -> None:
    """Start workers, each a process, as TaskManagers ask for them."""
    server = grpc.server(shared_unbounded_instance())
    servicer = BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(servicer, server)
    server.add_insecure_port(sys.argv[1])
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
