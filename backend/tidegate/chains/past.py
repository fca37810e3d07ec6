"""What this process and the books have seen of a chain, to notice a node that was swapped, rewound or rebuilt. Pure."""

from dataclasses import dataclass

from tidegate.chains.port import Tip


@dataclass(slots=True)
class Past:
    """One settled block by number and hash, and the highest tip seen. `depth`: no reorg goes further back."""

    depth: int
    highest: int = 0
    anchor: Tip | None = None

    def remember(self, height: int, anchor: Tip | None) -> None:
        """What the books have read, from before this process."""
        self.highest = max(self.highest, height)
        self.anchor = self.anchor or anchor

    def doubts(self, height: int, present: str | None) -> str:
        """Why a node with its tip at `height` is not the one we know, or nothing. `present`: its hash at the anchor."""
        if self.highest - height > self.depth // 8:
            return f"The node's newest block is {height}; block {self.highest} was there before."
        if self.anchor is not None and height >= self.anchor.height and present != self.anchor.hash:
            return f"The node has another block {self.anchor.height} than before: this is another chain."
        return ""

    def seen(self, height: int) -> int | None:
        """Take note of a fit node's tip; the height of the next block to hold on to, when it is time for one."""
        self.highest = max(self.highest, height)
        settled = max(height - self.depth, 0)
        if self.anchor is None or settled - self.anchor.height >= self.depth:
            return settled
        return None
