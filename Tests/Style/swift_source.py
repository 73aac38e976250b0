"""Reads Swift just well enough for the rules: blanks comments and text, finds functions and their extents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SwiftSource:
    """A file's text in two forms of equal length: code alone, and comments alone; the rest is blank."""

    code: str
    comments: str

    @property
    def code_lines(self) -> list[str]:
        return self.code.split("\n")

    @property
    def comment_lines(self) -> list[str]:
        return self.comments.split("\n")

    def has_comment_at(self, line: int) -> bool:
        """Whether line (from 1) carries a comment, or lies just below one, attributes and modifiers between allowed."""
        lines, code = self.comment_lines, self.code_lines
        if lines[line - 1].strip():
            return True
        above = line - 1
        while above > 0 and re.fullmatch(r"\s*(@[\w.]+(\([^)]*\))?\s*)+", code[above - 1]):
            above -= 1
        return above > 0 and bool(lines[above - 1].strip()) and not code[above - 1].strip()


@dataclass(frozen=True)
class Function:
    """A function, initialiser, subscript or computed property, with the lines from its first to its last."""

    name: str
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        return self.last_line - self.first_line + 1


class _Splitter:
    """Walks a Swift text once, sorting each character into code or comment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code = [character if character == "\n" else " " for character in text]
        self.comments = self.code.copy()
        self.at = 0

    def keep(self, count: int = 1) -> None:
        for _ in range(count):
            if self.at < len(self.text):
                self.code[self.at] = self.text[self.at]
                self.at += 1

    def note(self, end: int) -> None:
        self.comments[self.at : end] = self.text[self.at : end]
        self.at = end

    def run(self, *, inside_interpolation: bool = False) -> None:
        depth = 0
        while self.at < len(self.text):
            character = self.text[self.at]
            quote = re.compile(r'(#*)("""|")').match(self.text, self.at)
            if self.text.startswith("//", self.at):
                end = self.text.find("\n", self.at)
                self.note(len(self.text) if end < 0 else end)
            elif self.text.startswith("/*", self.at):
                self.block_comment()
            elif quote:
                self.string(quote.group(1), quote.group(2))
            else:
                depth += (character == "(") - (character == ")")
                if inside_interpolation and depth < 0:
                    return
                self.keep()

    def block_comment(self) -> None:
        depth, end = 0, self.at
        for token in re.compile(r"/\*|\*/").finditer(self.text, self.at):
            depth += 1 if token.group() == "/*" else -1
            end = token.end()
            if depth == 0:
                break
        else:
            end = len(self.text)
        self.note(end)

    def string(self, pounds: str, quote: str) -> None:
        self.keep(len(pounds) + len(quote))
        while self.at < len(self.text):
            if self.text.startswith(quote + pounds, self.at):
                self.keep(len(quote) + len(pounds))
                return
            if self.text.startswith(f"\\{pounds}(", self.at):
                self.at += 1 + len(pounds)
                self.keep()
                self.run(inside_interpolation=True)
                self.keep()
            elif self.text.startswith(f"\\{pounds}", self.at):
                self.at += 2 + len(pounds)
            elif quote == '"' and self.text[self.at] == "\n":
                return  # not Swift; let the compiler say so
            else:
                self.at += 1


def read(text: str) -> SwiftSource:
    """Split a Swift text into code and comments."""
    splitter = _Splitter(text)
    splitter.run()
    return SwiftSource("".join(splitter.code), "".join(splitter.comments))


_DECLARATION = re.compile(
    r"\bfunc\s+(?P<func>[^\s(<]+|[^\w\s]+)|(?<![.\w])(?P<init>init[?!]?)\s*[(<]|\b(?P<deinit>deinit)\b"
    r"|(?<![.\w])(?P<subscript>subscript)\s*[(<]|\bvar\s+(?P<var>\w+)\s*:"
)
_NEXT = re.compile(r"\b(func|var|let|init|deinit|subscript|case|struct|enum|class|actor|extension|protocol)\b|}|;")


def functions(source: SwiftSource) -> Iterator[Function]:
    """Every declaration with a body of statements, nested ones too."""
    code = source.code
    for match in _DECLARATION.finditer(code):
        name = next(value for value in match.groups() if value is not None)
        start = _body(code, match.end() - 1 if code[match.end() - 1] in "(<" else match.end(), match.group("var"))
        if start is not None:
            yield Function(name, _line(code, match.start()), _line(code, _closing(code, start)))


def _body(code: str, at: int, variable: str | None) -> int | None:
    """Where the body's brace opens; None for a requirement, or a stored property."""
    depth = 0
    while at < len(code):
        character = code[at]
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            if character == "{":
                return at
            if variable and (character == "=" or (character == "\n" and not code[at:].lstrip().startswith("{"))):
                return None
            if code[at - 1] in " \n\t" and _NEXT.match(code, at):
                return None
        at += 1
    return None


def _closing(code: str, opening: int) -> int:
    depth = 0
    for token in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if token.group() == "{" else -1
        if depth == 0:
            return token.start()
    return len(code) - 1


def _line(code: str, at: int) -> int:
    return code.count("\n", 0, at) + 1
