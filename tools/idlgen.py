#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes C row accessors and an .ovsschema from a database description.

    idlgen.py ovsschema  FILE.schema OUT.ovsschema
    idlgen.py c          FILE.schema PREFIX OUT.h OUT.c

A description has one line per table and per column; schema/README explains the notation.
"""
import json
import os
import re
import sys
from dataclasses import dataclass, field
from typing import Optional

# Tables whose name in C is not simply their name in lower case.
SHORT_NAMES = {
    ("nb", "Logical_Switch"): "ls",
    ("nb", "Logical_Switch_Port"): "lsp",
    ("nb", "Logical_Router"): "lr",
    ("nb", "Logical_Router_Port"): "lrp",
    ("nb", "NB_Global"): "global",
    ("sb", "SB_Global"): "global",
}

# Columns that are looked up by value although the schema does not make them unique.
EXTRA_LOOKUPS = {
    ("nb", "Logical_Switch", "name"),
    ("nb", "Logical_Router", "name"),
}

ATOMS = ("integer", "real", "boolean", "string", "uuid")


class Bad(Exception):
    """The description is wrong; the text is for the one who edits it."""


@dataclass
class Base:
    """One <base-type> of RFC 7047 3.2."""

    atom: str
    lo: Optional[int] = None
    hi: Optional[int] = None  # of a string: its longest length
    enum: Optional[list] = None
    ref: Optional[str] = None
    weak: bool = False

    def to_json(self):
        out = {"type": self.atom}
        if self.enum:
            out["enum"] = ["set", self.enum]
        if self.lo is not None:
            out["minInteger"] = self.lo
        if self.hi is not None:
            out["maxInteger" if self.atom == "integer" else "maxLength"] = self.hi
        if self.ref:
            out["refTable"] = self.ref
            out["refType"] = "weak" if self.weak else "strong"
        return out if len(out) > 1 else self.atom


@dataclass
class Column:
    name: str
    key: Base
    value: Optional[Base]
    min: int
    max: Optional[int]  # None: unlimited
    ephemeral: bool
    immutable: bool

    @property
    def is_scalar(self):
        return not self.value and self.min == 1 and self.max == 1

    @property
    def is_optional(self):
        return not self.value and self.min == 0 and self.max == 1

    @property
    def is_smap(self):
        return self.value and self.key.atom == "string" and self.value.atom == "string"

    def to_json(self):
        kind = {"key": self.key.to_json()}
        if self.value:
            kind["value"] = self.value.to_json()
        if self.min != 1:
            kind["min"] = self.min
        if self.max != 1:
            kind["max"] = "unlimited" if self.max is None else self.max
        if kind == {"key": self.key.atom}:
            kind = self.key.atom
        out = {"type": kind}
        if self.ephemeral:
            out["ephemeral"] = True
        if self.immutable:
            out["mutable"] = False
        return out


@dataclass
class Table:
    name: str
    root: bool
    max_rows: Optional[int]
    uniques: list = field(default_factory=list)
    columns: list = field(default_factory=list)

    def column(self, name):
        for column in self.columns:
            if column.name == name:
                return column
        raise Bad(f"table {self.name} has no column {name}")

    def to_json(self):
        out = {"columns": {c.name: c.to_json() for c in self.columns}}
        if self.uniques:
            out["indexes"] = self.uniques
        if self.root:
            out["isRoot"] = True
        if self.max_rows is not None:
            out["maxRows"] = self.max_rows
        return out


@dataclass
class Schema:
    name: str
    version: str
    tables: list

    def to_json(self):
        return {
            "name": self.name,
            "version": self.version,
            "tables": {t.name: t.to_json() for t in self.tables},
        }


# ---- reading ----


def parse_base(text):
    """Parses one base type at the start of text; returns it and the rest."""
    match = re.match(r"([*~])(\w+)", text)
    if match:
        base = Base("uuid", ref=match.group(2), weak=match.group(1) == "~")
        return base, text[match.end() :]
    match = re.match(r"\{([^}]*)\}", text)
    if match:
        return Base("string", enum=match.group(1).split("|")), text[match.end() :]
    match = re.match(r"(\w+)(?:\[(-?\d+)?\.\.(-?\d+)?\])?", text)
    if not match or match.group(1) not in ATOMS:
        raise Bad(f'"{text}" begins with no type')
    lo, hi = (int(s) if s else None for s in match.group(2, 3))
    return Base(match.group(1), lo=lo, hi=hi), text[match.end() :]


def parse_column(name, text):
    text, *traits = re.split(r"\s+(?=ephemeral$|immutable$)", text)
    if text == "smap":
        text = "map(string:string)*"
    value = None
    if text.startswith("map("):
        key, rest = parse_base(text[len("map(") :])
        if not rest.startswith(":"):
            raise Bad('":" is missing in the map')
        value, rest = parse_base(rest[1:])
        if not rest.startswith(")"):
            raise Bad('")" is missing after the map')
        rest = rest[1:]
    else:
        key, rest = parse_base(text)
    match = re.fullmatch(r"([?+]?|\*(?:\(max (\d+)\))?)", rest)
    if not match:
        raise Bad(f'"{rest}" does not say how many')
    low = 1 if rest in ("", "+") else 0
    high = 1 if rest in ("", "?") else match.group(2) and int(match.group(2))
    return Column(name, key, value, low, high, "ephemeral" in traits, "immutable" in traits)


def parse_line(schema, line):
    words = line.split()
    if words[0] == "schema":
        schema.name, schema.version = words[1:]
    elif words[0] == "table":
        max_rows = None
        for word in words[2:]:
            if word.startswith("max-rows="):
                max_rows = int(word.partition("=")[2])
            elif word != "root":
                raise Bad(f'a table is not "{word}"')
        schema.tables.append(Table(words[1], "root" in words[2:], max_rows))
    elif words[0] == "unique":
        schema.tables[-1].uniques.append(words[1:])
    else:
        name, colon, kind = line.strip().partition(":")
        if not colon:
            raise Bad("expected a column, NAME: TYPE")
        schema.tables[-1].columns.append(parse_column(name, kind.strip()))


def check(schema):
    names = [t.name for t in schema.tables]
    if len(set(names)) != len(names):
        raise Bad("two tables have the same name")
    for table in schema.tables:
        if len(table.columns) > 64:
            raise Bad(f"table {table.name} has more than 64 columns")
        if len({c.name for c in table.columns}) != len(table.columns):
            raise Bad(f"table {table.name} has two columns of the same name")
        for unique in table.uniques:
            for name in unique:
                table.column(name)
        for column in table.columns:
            for base in (column.key, column.value):
                if base and base.ref and base.ref not in names:
                    raise Bad(f"{table.name}.{column.name} refers to no table: {base.ref}")


def read_schema(path):
    schema = Schema("", "", [])
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            line = line.split("#")[0].rstrip()
            if not line:
                continue
            try:
                parse_line(schema, line)
            except (Bad, ValueError, IndexError) as error:
                raise Bad(f"{path}:{number}: {error}") from None
    try:
        check(schema)
    except Bad as error:
        raise Bad(f"{path}: {error}") from None
    return schema


# ---- writing C ----


class CWriter:
    """Names and text of one database's header and source."""

    def __init__(self, schema, prefix):
        self.schema = schema
        self.prefix = prefix
        self.taken = set()
        self.enums = {}

    def short(self, name):
        return f"{self.prefix}_{SHORT_NAMES.get((self.prefix, name), name.lower())}"

    def claim(self, name):
        """A function name that no other function has: a column may be called like a verb."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    # -- header --

    def header(self):
        guard = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Generated by tools/idlgen.py. */\n"
        out = [guard + "#pragma once\n", '#include "schema/row.h"\n']
        out.append(f"extern const struct ovsdb_schema {self.prefix}_schema;\n")
        for table in self.schema.tables:
            self.reserve(table)
        for table in self.schema.tables:
            out += self.table_header(table)
        return "\n".join(out)

    def reserve(self, table):
        """Names that the rest of the program counts on; getters give way to them."""
        short = self.short(table.name)
        fixed = "table columns row from_row get first next first_change next_change change"
        fixed += " changed_columns uuid insert delete"
        self.taken.update(f"{short}_{verb}" for verb in fixed.split())
        for column in table.columns:
            self.taken.add(f"{short}_set_{column.name}")
            if not column.is_scalar and not column.is_optional:
                verbs = ("put", "drop") if column.is_smap else ("add", "remove")
                self.taken.update(f"{short}_{verb}_{column.name}" for verb in verbs)

    def table_header(self, table):
        short = self.short(table.name)
        upper = short.upper()
        columns = "\n".join(f"\t{upper}_{c.name.upper()}," for c in table.columns)
        out = [
            f"/* ---- {table.name} ---- */\n",
            f"enum {{\n{columns}\n\t{upper}_N_COLUMNS,\n}};",
            f"extern const struct ovsdb_column {short}_columns[];",
            f"extern const struct ovsdb_table {short}_table;",
            f"SCHEMA_ROW({short}, {short}_table)",
            f"#define {upper}_FOREACH(row, replica) SCHEMA_FOREACH({short}, row, replica)",
            f"#define {upper}_FOREACH_CHANGE(row, replica) \\\n"
            f"\tSCHEMA_FOREACH_CHANGE({short}, row, replica)",
        ]
        for column in table.columns:
            out += self.accessors(table, column)
        out.append("")
        return out

    def accessors(self, table, column):
        short = self.short(table.name)
        upper = f"{short}_columns[{short.upper()}_{column.name.upper()}]".replace(" ", "")
        getter = self.claim(f"{short}_{column.name}")
        table_c = f"{short}_table"
        kind = self.kind(column)
        out = [
            f"SCHEMA_GET_{kind}({short}, {getter}, {upper})",
            f"SCHEMA_SET_{kind}({short}_set_{column.name}, {table_c}, {upper})",
        ]
        if kind == "DATUM":
            out += self.element_setters(short, column, table_c, upper)
        if self.is_lookup(table, column):
            lookup = self.claim(f"{short}_by_{column.name}")
            out.append(f"SCHEMA_BY({short}, {lookup}, {table_c}, {upper})")
        return out

    def element_setters(self, short, column, table_c, upper):
        if column.is_smap:
            return [
                f"SCHEMA_PUT({short}_put_{column.name}, {table_c}, {upper})",
                f"SCHEMA_DROP({short}_drop_{column.name}, {table_c}, {upper})",
            ]
        if not column.value and column.key.atom in ("string", "uuid"):
            atom = column.key.atom.upper()
            return [
                f"SCHEMA_ELEMENT_{atom}({short}_add_{column.name}, txn_add, {table_c}, {upper})",
                f"SCHEMA_ELEMENT_{atom}({short}_remove_{column.name}, txn_remove, {table_c}, {upper})",
            ]
        return []

    @staticmethod
    def kind(column):
        atom = column.key.atom.upper()
        if column.is_scalar:
            return atom
        if column.is_optional and atom in ("STRING", "INTEGER", "BOOLEAN", "UUID"):
            return f"{atom}_OPT"
        return "DATUM"

    def is_lookup(self, table, column):
        if column.key.atom != "string" or column.value or column.max != 1:
            return False
        unique = [column.name] in table.uniques
        return unique or (self.prefix, table.name, column.name) in EXTRA_LOOKUPS

    # -- source --

    def source(self):
        out = [
            "/* SPDX-License-Identifier: Apache-2.0 */",
            "/* Generated by tools/idlgen.py. */",
            f'#include "schema/{self.prefix}.h"\n',
            '#include "util/array.h"\n',
        ]
        body = []
        for index, table in enumerate(self.schema.tables):
            body += self.table_source(index, table)
        for values, name in self.enums.items():
            quoted = ", ".join(f'"{v}"' for v in values)
            out.append(f"static const char *const {name}[] = {{ {quoted}, NULL }};")
        out += body
        tables = "\n".join(f"\t&{self.short(t.name)}_table," for t in self.schema.tables)
        out += [
            f"static const struct ovsdb_table *const tables[] = {{\n{tables}\n}};\n",
            f"const struct ovsdb_schema {self.prefix}_schema = {{",
            f'\t.name = "{self.schema.name}",',
            f'\t.version = "{self.schema.version}",',
            "\t.n_tables = ARRAY_SIZE(tables),",
            "\t.tables = tables,",
            "};",
            "",
        ]
        return "\n".join(out)

    def table_source(self, index, table):
        short = self.short(table.name)
        upper = short.upper()
        out = ["", f"const struct ovsdb_column {short}_columns[] = {{"]
        for column in table.columns:
            out.append(self.column_source(upper, column))
        out.append("};")
        masks = [
            " | ".join(f"OVSDB_COL({upper}_{name.upper()})" for name in unique)
            for unique in table.uniques
        ]
        out.append(f"static const uint64_t {short}_indexes[] = {{ {', '.join(masks + ['0'])} }};")
        max_rows = "OVSDB_UNLIMITED" if table.max_rows is None else table.max_rows
        out += [
            f"const struct ovsdb_table {short}_table = {{",
            f'\t.name = "{table.name}",',
            f"\t.index = {index},",
            f"\t.n_columns = {upper}_N_COLUMNS,",
            f"\t.is_root = {'true' if table.root else 'false'},",
            f"\t.max_rows = {max_rows},",
            f"\t.columns = {short}_columns,",
            f"\t.indexes = {short}_indexes,",
            "};",
        ]
        return out

    def column_source(self, upper, column):
        index = f"{upper}_{column.name.upper()}"
        high = "OVSDB_UNLIMITED" if column.max is None else column.max
        parts = [f'.name = "{column.name}"', f".index = {index}"]
        parts += [f".min = {column.min}", f".max = {high}"]
        if column.ephemeral:
            parts.append(".ephemeral = true")
        parts += self.base_source("key", column.key)
        parts += self.base_source("value", column.value)
        return f"\t[{index}] = {{ {', '.join(parts)} }},"

    def base_source(self, which, base):
        if not base:
            return [f".{which} = OVSDB_VOID"]
        parts = [f".{which} = OVSDB_{base.atom.upper()}"]
        if base.atom == "integer":
            parts.append(f".{which}_min = {'INT64_MIN' if base.lo is None else base.lo}")
            parts.append(f".{which}_max = {'INT64_MAX' if base.hi is None else base.hi}")
        if base.enum:
            name = self.enums.setdefault(tuple(base.enum), f"enum_{len(self.enums)}")
            parts.append(f".{which}_enum = {name}")
        if base.ref:
            parts.append(f".{which}_ref = &{self.short(base.ref)}_table")
        if base.weak:
            parts.append(f".{which}_weak = true")
        return parts


def write(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


def main(argv):
    try:
        if len(argv) == 4 and argv[1] == "ovsschema":
            write(argv[3], json.dumps(read_schema(argv[2]).to_json(), indent=1) + "\n")
        elif len(argv) == 6 and argv[1] == "c":
            writer = CWriter(read_schema(argv[2]), argv[3])
            write(argv[4], writer.header())
            write(argv[5], writer.source())
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Bad, OSError) as error:
        print(f"{os.path.basename(argv[0])}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
