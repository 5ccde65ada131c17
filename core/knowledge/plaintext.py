"""Markdown as plain text that every channel can show: bullets and steps keep their lines, a table's rows become
records."""

from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from core.knowledge.records import records

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]

_CONTAINERS = frozenset({"blockquote"})


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page. `parts` are what it may be cut into where it is far too long: a list's items, a
    table's records, otherwise the block itself."""

    kind: BlockKind
    parts: tuple[str, ...]
    level: int = 0  # of a heading: 1 to 6

    @property
    def text(self) -> str:
        return "\n".join(self.parts)


def parse(markdown: str) -> list[Block]:
    """The page's blocks in order (CommonMark with tables). HTML is dropped, links keep their address."""
    root = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    return list(_blocks(root))


def _blocks(parent: SyntaxTreeNode) -> list[Block]:
    found: list[Block] = []
    for node in parent.children:
        if node.type in _CONTAINERS:
            found += _blocks(node)
        elif (block := _block(node)) and block.text.strip():
            found.append(block)
    return found


def _block(node: SyntaxTreeNode) -> Block | None:
    match node.type:
        case "heading":
            return Block("heading", (_inline(node),), int(node.tag[1]))
        case "paragraph":
            return Block("paragraph", (_inline(node),))
        case "bullet_list" | "ordered_list":
            return Block("list", tuple(_items(node)))
        case "table":
            return Block("table", tuple(_rows(node)))
        case "fence" | "code_block":
            return Block("code", (node.content.rstrip("\n"),))
    return None


def _items(node: SyntaxTreeNode, indent: str = "") -> list[str]:
    number = int(node.attrs.get("start", 1))
    items = []
    for item in node.children:
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        lines: list[str] = []
        for child in item.children:
            if child.type in ("bullet_list", "ordered_list"):
                lines += _items(child, indent + "  ")
            elif block := _block(child):
                first = indent + mark if not lines else indent + "  "
                lines.append(first + block.text)
        items.append("\n".join(lines))
        number += 1
    return [item for item in items if item.strip()]


def _rows(table: SyntaxTreeNode) -> list[str]:
    head, *rows = [[_inline(cell) for cell in row.children] for section in table.children for row in section.children]
    return list(records(head, rows))


def _inline(node: SyntaxTreeNode) -> str:
    return " ".join(_inline_text(node).split(" ")).strip() if node.children else ""


def _inline_text(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if node.content.lower().startswith("<br") else ""
        case "image":
            return node.content
        case "link":
            label, address = "".join(map(_inline_text, node.children)), str(node.attrs.get("href", ""))
            known = not address or address in (label, f"mailto:{label}") or address.startswith("#")
            return label if known else f"{label} ({address.removeprefix('mailto:')})"
    return "".join(map(_inline_text, node.children))
