"""The table of kernels holds nothing that no compiled module calls.

The list is the declaration of the table itself: a kernel that is added is checked without being named here.
"""
import re
from pathlib import Path

import pytest
from test_structs import STRUCTS, members

SOURCES = "".join(path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "fastopt").rglob("*.pyx")))
#: the members of fo_kernels that are tables themselves
PARTS = {"descent": "fo_descent_kernels", "objective": "fo_objective_kernels", "chains": "fo_chain_kernels", "limits": "fo_limit_kernels",
         "sequences": "fo_sequence_kernels", "policies": "fo_policy_kernels", "ranking": "fo_ranking_kernels", "pairs": "fo_pair_kernels",
         "likelihoods": "fo_likelihood_kernels", "images": "fo_image_kernels", "network": "fo_network_kernels"}


def kernels():
    """(the part of the table, or "", and the name) of each kernel."""
    fields = STRUCTS["fo_kernels"][1]
    found = [("", name) for name in members(fields) if name not in PARTS]
    for part, struct in PARTS.items():
        assert f"{struct} {part}\n" in fields
        found += [(part, name) for name in members(STRUCTS[struct][1])]
    return found


def is_called(part, name):
    """By way of the table, or of a pointer to its part."""
    return re.search(rf"(\.{part}|\bkernel)\.{name}\(" if part else rf"\.{name}\(", SOURCES) is not None


@pytest.mark.parametrize("part, name", kernels())
def test_each_kernel_is_called(part, name):
    assert is_called(part, name), f"nothing calls {name}: it goes, or a call of it is missing"


def test_a_kernel_that_nothing_calls_is_found():
    assert len(kernels()) > 70 and not is_called("", "sgd_undo") and not is_called("chains", "undo")
