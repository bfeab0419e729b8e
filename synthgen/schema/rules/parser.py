"""Reading a rule: a hand-written lexer and a recursive-descent parser, no code is run.

::

    condition  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation   = "not" negation | "(" condition ")" | predicate
    predicate  = "another" TABLE "by" COLUMN { "," COLUMN } "where" "(" condition ")"
               | term ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) term
               | term [ "not" ] "in" "[" item { "," item } "]"
               | term "is" [ "not" ] "null"
    item       = value [ "-" value ]                       both ends included
    term       = factor { ( "+" | "-" ) factor }
    factor     = atom { "*" atom }
    atom       = TABLE "." COLUMN | TEXT | [ "-" ] NUMBER | "date" TEXT | "(" term ")"
               | ( "year" | "month" ) "(" term ")"
               | ( "days" | "years" ) "(" term "," term ")"      from the first to the second
               | "left" "(" term "," NUMBER ")"
               | "group" "(" term "," GROUPING ")"

Text stands in single quotes (``''`` is a quote), a name that is no plain word in double
quotes.  A comparison with something missing is neither met nor unmet, as in SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from synthgen.errors import SchemaError
from synthgen.schema.documents import one_line
from synthgen.schema.rules.tree import (
    All,
    Another,
    AnyOf,
    Arithmetic,
    Call,
    ColumnName,
    Compare,
    Condition,
    IsNull,
    Literal,
    Member,
    Not,
    Term,
)

LONGEST_RULE = 20_000
"""Longest rule that is read [characters]."""

LONGEST_NUMBER = 15
"""Longest number that is read [digits]; a float holds 15 exactly."""

DEEPEST_RULE = 40
"""Deepest nesting of brackets and ``not`` that is read [levels]."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<sign><=|>=|!=|<>|[=<>+\-*(),.\[\]])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_NO_TERM = {*_COMPARISONS, "in", "is", "and", "or", "not", "another"}
_ARITY = {"year": 1, "month": 1, "days": 2, "years": 2, "left": 2}
_WORDS = {"and", "or", "not", "in", "is", "null", "date", "another", "by", "where", "group"}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    made: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            here = len(text) - len(text[at:].lstrip())
            raise SchemaError(f"character {here + 1}: {one_line(text[here])} is not understood")
        kind = str(found.lastgroup)
        made.append(_Token(kind, found.group(kind), found.start(kind)))
        at = found.end()
    return [*made, _Token("end", "the end", len(text))]


class _Parser:
    """One pass over the tokens of one rule."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def rule(self) -> Condition:
        condition = self._condition()
        if self._next.kind != "end":
            raise self._wrong("nothing more")
        return condition

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _wrong(self, wanted: str) -> SchemaError:
        token = self._next
        return SchemaError(
            f"character {token.at + 1}: is {one_line(token.text, 40)}; it must be {wanted}"
        )

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("name", "sign") and self._next.text in texts

    def _accept(self, *texts: str) -> bool:
        if self._is(*texts):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._wrong(text)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST_RULE:
            raise SchemaError(f"is nested more than {DEEPEST_RULE} levels deep")

    def _name(self, what: str) -> str:
        token = self._next
        if token.kind == "quoted":
            self._at += 1
            return token.text[1:-1].replace('""', '"')
        if token.kind != "name":
            raise self._wrong(what)
        self._at += 1
        return token.text

    def _condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._accept("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self._accept("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _negation(self) -> Condition:
        self._deeper()
        try:
            if self._accept("not"):
                return Not(self._negation())
            if self._is("(") and not self._bracket_is_term():
                self._take()
                condition = self._condition()
                self._expect(")")
                return condition
            return self._predicate()
        finally:
            self._depth -= 1

    def _bracket_is_term(self) -> bool:
        """Whether the bracket that begins here holds a term, as in ``(a.x + 1) * 2 > a.y``."""
        depth = 0
        for token in self._tokens[self._at :]:
            if token.kind == "sign" and token.text in "([":
                depth += 1
            elif token.kind == "sign" and token.text in ")]":
                depth -= 1
                if depth == 0:
                    return True
            elif token.kind in ("sign", "name") and token.text in _NO_TERM:
                return False
        return True

    def _predicate(self) -> Condition:
        if self._accept("another"):
            return self._another()
        left = self._term()
        if self._next.kind == "sign" and self._next.text in _COMPARISONS:
            operator = self._take().text.replace("<>", "!=")
            return Compare(operator, left, self._term())
        if self._accept("is"):
            negated = self._accept("not")
            self._expect("null")
            return IsNull(left, negated)
        negated = self._accept("not")
        if self._accept("in"):
            return self._member(left, negated)
        raise self._wrong("a comparison, in [...], or is null")

    def _another(self) -> Condition:
        table = self._name("a table")
        self._expect("by")
        by = [self._name("a column")]
        while self._accept(","):
            by.append(self._name("a column"))
        self._expect("where")
        self._expect("(")
        condition = self._condition()
        self._expect(")")
        return Another(table, tuple(by), condition)

    def _member(self, term: Term, negated: bool) -> Condition:
        self._expect("[")
        ranges = [self._item()]
        while self._accept(","):
            ranges.append(self._item())
        self._expect("]")
        return Member(term, tuple(ranges), negated)

    def _item(self) -> tuple[str | int | float, str | int | float]:
        low = self._value()
        if not self._accept("-"):
            return (low, low)
        high = self._value()
        if isinstance(low, str) and isinstance(high, str):
            upright = len(low) == len(high) and low <= high
        elif isinstance(low, str) or isinstance(high, str):
            upright = False
        else:
            upright = low <= high
        if not upright:
            raise SchemaError(
                f"{low}-{high} is not a range; it must be two values of one kind and length, "
                "the lower one first"
            )
        return (low, high)

    def _value(self) -> str | int | float:
        token = self._next
        if token.kind == "text":
            self._at += 1
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number":
            self._at += 1
            return _number(token.text)
        raise self._wrong("a text in single quotes or a number")

    def _term(self) -> Term:
        left = self._factor()
        while self._is("+", "-"):
            left = Arithmetic(self._take().text, left, self._factor())
        return left

    def _factor(self) -> Term:
        left = self._atom()
        while self._accept("*"):
            left = Arithmetic("*", left, self._atom())
        return left

    def _atom(self) -> Term:
        self._deeper()
        try:
            if self._accept("("):
                term = self._term()
                self._expect(")")
                return term
            if self._accept("-"):
                value = self._value()
                if isinstance(value, str):
                    raise self._wrong("a number after -")
                return Literal(-value)
            if self._next.kind in ("text", "number"):
                return Literal(self._value())
            return self._named()
        finally:
            self._depth -= 1

    def _named(self) -> Term:
        token = self._next
        follows = self._tokens[min(self._at + 1, len(self._tokens) - 1)].text
        if token.kind == "name" and follows == "(" and (token.text in _ARITY):
            return self._call(self._take().text)
        if token.kind == "name" and token.text == "group" and follows == "(":
            self._take()
            self._expect("(")
            code = self._term()
            self._expect(",")
            grouping = self._name("a grouping")
            self._expect(")")
            return Call("group", (code,), grouping)
        if token.kind == "name" and token.text == "date":
            self._take()
            return Literal(_day(self._value()))
        if token.kind == "name" and token.text in _WORDS:
            raise self._wrong("a column (table.column), a value or a function")
        table = self._name("a column (table.column), a value or a function")
        self._expect(".")
        return ColumnName(table, self._name("a column"))

    def _call(self, name: str) -> Term:
        self._expect("(")
        arguments = [self._term()]
        while self._accept(","):
            arguments.append(self._term())
        if len(arguments) != _ARITY[name]:
            raise SchemaError(f"{name}() has {len(arguments)} arguments; it takes {_ARITY[name]}")
        self._expect(")")
        return Call(name, tuple(arguments))


def _number(text: str) -> int | float:
    if len(text) > LONGEST_NUMBER:
        raise SchemaError(f"{one_line(text, 20)} is too long a number ({LONGEST_NUMBER} digits)")
    return float(text) if "." in text else int(text)


def _day(value: str | int | float) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as problem:
        raise SchemaError(
            f"date {one_line(value, 20)} is not a day; it must be 'YYYY-MM-DD'"
        ) from problem


@lru_cache(maxsize=4096)
def parse(text: str) -> Condition:
    """Tree of a rule's condition.

    Parameters
    ----------
    text : str
        Condition in the rule language.

    Raises
    ------
    SchemaError
        If the text is no condition; the message names the character.

    Examples
    --------
    >>> parse("patient.sex = '1' and tumour.topography in ['C510'-'C589']").parts[0].operator
    '='
    """
    if len(text) > LONGEST_RULE:
        raise SchemaError(f"has {len(text)} characters; at most {LONGEST_RULE} are read")
    return _Parser(text).rule()
