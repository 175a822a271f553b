import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.evidence.merkle import MerkleTree
from watchfloor.evidence.verify import included

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
# Computed with sha256sum and xxd alone, from the definition in RFC 6962.
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def tree_of(leaves: Sequence[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """The recursive definition, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_the_known_ones(size: int) -> None:
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size]


def test_proofs_are_the_known_ones() -> None:
    tree = tree_of(LEAVES[:7])
    assert [node.hex() for node in tree.proof(4)] == [
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        ROOTS[4],
    ]
    assert [node.hex() for node in tree.proof(6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ROOTS[4],
    ]


def test_a_proof_of_nothing_is_an_error() -> None:
    with pytest.raises(IndexError):
        tree_of(LEAVES[:3]).proof(3)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_root_is_the_defined_one_at_every_size(leaves: list[bytes]) -> None:
    assert tree_of(leaves).root() == defined_root(leaves)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True), st.data())
def test_a_proof_holds_for_its_leaf_place_and_tree_only(leaves: list[bytes], data: st.DataObject) -> None:
    tree = tree_of(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root, size = [node.hex() for node in tree.proof(index)], tree.root().hex(), len(leaves)
    leaf = leaves[index].hex()
    assert included(index, leaf, size, root, proof)
    assert not included(index, "ab" * 32, size, root, proof)
    assert not included(index, leaf, size, "ab" * 32, proof)
    assert not included(index, leaf, size, root, [*proof, "ab" * 32])
    assert not any(included(other, leaf, size, root, proof) for other in range(-1, size + 2) if other != index)
    if proof:
        assert not included(index, leaf, size, root, proof[:-1])
        assert not included(index, leaf, size, root, [*proof[:-1], "ab" * 32])


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in LEAVES[:2])
    assert tree_of([left + right]).root() != tree_of(LEAVES[:2]).root()


def test_a_proof_has_the_length_of_its_tree() -> None:
    leaf, other = bytes(32), bytes(31) + b"\1"
    leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
    for left, right in ((other, leaf_hash), (leaf_hash, other)):
        root = hashlib.sha256(b"\x01" + left + right).hexdigest()
        assert not included(0, leaf.hex(), 1, root, [other.hex()])
        assert not included(0, leaf.hex(), 4, root, [other.hex()])


@pytest.mark.parametrize("proof", [["zz" * 32], ["AB" * 32], [1], [None], ["ab"] * 100, [["ab" * 32]]])
def test_a_malformed_proof_proves_nothing(proof: list[object]) -> None:
    assert not included(0, "ab" * 32, 2, "ab" * 32, proof)
