"""The code book of a schema: every table, column, code and rule, for people to read."""

from synthgen.schema.codebook.as_html import codebook_html
from synthgen.schema.codebook.as_markdown import codebook_markdown
from synthgen.schema.codebook.content import codebook

__all__ = ["codebook", "codebook_html", "codebook_markdown"]
