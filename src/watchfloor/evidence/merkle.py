"""The Merkle tree over a chain's record hashes, as in RFC 6962, section 2.1.

Leaves are hashed with a first byte of 0 and nodes with a first byte of 1, so that no node can pass for a leaf. A proof
of inclusion shows that one record is part of a tree of a million with twenty hashes, and says nothing of the others.
It is checked by :func:`watchfloor.evidence.verify.included`.
"""

import hashlib

EMPTY_ROOT = hashlib.sha256(b"").digest()


class MerkleTree:
    """An append-only tree. Appending costs O(1) hashes on average, a root or a proof O(log² n).

    ``_levels[k]`` holds the roots of the complete subtrees of 2^k leaves, left to right.

    >>> tree = MerkleTree()
    >>> tree.append(b"")
    >>> tree.root().hex()
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'
    """

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add one leaf."""
        node, level = hashlib.sha256(b"\0" + leaf).digest(), 0
        self._levels[0].append(node)
        while len(self._levels[level]) % 2 == 0:
            node = _node(*self._levels[level][-2:])
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)

    def root(self) -> bytes:
        """The hash of all leaves; of no leaves, the hash of nothing."""
        return self._subtree(0, len(self)) if len(self) else EMPTY_ROOT

    def proof(self, index: int) -> list[bytes]:
        """The sibling hashes from leaf ``index`` up to the root.

        Raises:
            IndexError: There is no such leaf.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = 0, len(self)
        path: list[bytes] = []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return path[::-1]

    def _subtree(self, start: int, end: int) -> bytes:
        size = end - start
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self._levels[level][start >> level]
        middle = start + _split(size)
        return _node(self._subtree(start, middle), self._subtree(middle, end))


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
