"""Conversation trees as integer positions: parents, ancestors, depth and reading order, without recursion.

A forest of n messages is one array `parent` of n positions: `parent[i]` is where the message that i
replies to stands, i itself where i is the end of its chain (a root, or a message whose parent is
missing). Everything is done by pointer doubling, so a tree 100,000 deep takes 17 steps, not 100,000.
"""

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


def _rounds(n: int) -> int:
    """How often pointers must double to cross any chain of n."""
    return max(int(n).bit_length(), 1)


def ends(parent: Positions) -> tuple[Positions, Mask]:
    """Follow every chain up: return where it ends, (n,), and which messages stand on a cycle, (n,).

    A message that hangs under a cycle ends at a message of that cycle.
    """
    at = parent.copy()
    for _ in range(_rounds(len(parent))):
        further = at[at]
        if np.array_equal(further, at):
            break
        at = further
    own = np.arange(len(parent))
    on_cycle = np.zeros(len(parent), bool)
    on_cycle[at[parent[at] != at]] = True
    return at, on_cycle & (parent != own)


def fallen(parent: Positions, own: Mask) -> Mask:
    """Tell which messages have an ancestor in `own`, (n,); a message is not its own ancestor. No cycles."""
    index = np.arange(len(parent))
    above = own[parent] & (parent != index)
    at = parent.copy()
    for _ in range(_rounds(len(parent))):
        further = at[at]
        above |= above[at]
        if np.array_equal(further, at):
            break
        at = further
    return above


def depths(parent: Positions) -> Positions:
    """Count the messages above each one, (n,); 0 at a root. No cycles."""
    depth = (parent != np.arange(len(parent))).astype(np.int64)
    at = parent.copy()
    for _ in range(_rounds(len(parent))):
        further = at[at]
        if np.array_equal(further, at):
            break
        depth = depth + depth[at]
        at = further
    return depth


def reading_order(parent: Positions, order: Positions) -> Positions:
    """Return the positions depth first, (n,): each message, then its replies with all that is under them.

    Roots, and the replies to one message, come in the order in which they stand in `order`, a
    permutation of all positions. No cycles.

    Method: the Euler tour (Tarjan and Vishkin, "An efficient parallel biconnectivity algorithm", 1985)
    is a linked list of n entries and n exits; its ranks are found by pointer doubling.
    """
    n = len(parent)
    if n == 0:
        return np.empty(0, np.int64)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    is_root = parent == np.arange(n)
    family = np.where(is_root, n, parent)
    by_family = np.lexsort((place, family))
    same = family[by_family[1:]] == family[by_family[:-1]]

    end = 2 * n  # a tour: entries 0..n-1, exits n..2n-1, and the end of it
    following = np.empty(end + 1, np.int64)
    following[:n] = np.arange(n, end)  # entry -> own exit, unless there are replies
    first = by_family[np.concatenate(([True], ~same))]
    first = first[~is_root[first]]
    following[parent[first]] = first
    following[n:end] = np.where(is_root, end, n + parent)  # exit -> the parent's exit, unless there is a sibling
    following[n + by_family[:-1][same]] = by_family[1:][same]
    following[end] = end

    ahead = np.ones(end + 1, np.int64)
    ahead[end] = 0
    for _ in range(_rounds(end)):
        further = following[following]
        if np.array_equal(further, following):
            break
        ahead += ahead[following]
        following = further
    return np.argsort(-ahead[:n], kind="stable")


def paths(parent: Positions, last: Positions) -> tuple[Positions, Positions]:
    """Walk from the root down to each message of `last`: the positions on all paths, and where each path starts, (m + 1,).

    Takes as many steps as the longest path has messages, each over the paths that are still longer.
    """
    left = depths(parent)[last] + 1
    offsets = np.concatenate(([0], left.cumsum()))
    path = np.empty(offsets[-1], np.int64)
    at, place = last, offsets[1:] - 1
    while len(at):
        path[place] = at
        more = left > 1
        at, place, left = parent[at[more]], place[more] - 1, left[more] - 1
    return path, offsets
