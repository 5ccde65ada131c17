"""How the models that ship with the project are run."""

from pathlib import Path

import onnxruntime


def session(path: Path) -> onnxruntime.InferenceSession:
    """On one thread: two are slower than one as soon as anything else runs."""
    return onnxruntime.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # The arena and the memory plan keep the buffers of the longest text ever seen, for each length again.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return options
