"""Types of the compiled module _sgd.per_sample.ownership."""
from typing import Any

def is_unshared(attributes: dict[str, Any], name: str) -> bool: ...
