"""What people read is at most 120 columns wide where it goes into a pipe or a file."""

from quantlaxmi.cli.output import WIDTH, print_facts, print_line, print_note, print_table


def test_a_wide_table_is_printed_as_several(capsys):
    heads = ("symbol", "kind", *(f"quantile {k}" for k in range(12)))
    rows = [(f"S{n}", "quotes", *(n * 10**9 + k for k in range(12))) for n in range(3)]
    print_table(heads, rows, keys=2)
    blocks = capsys.readouterr().out.split("\n\n")
    assert len(blocks) == 2
    found = []
    for block in blocks:
        lines = block.strip("\n").splitlines()
        assert max(map(len, lines)) <= WIDTH
        words = [line.split() for line in lines]
        assert words[0][:2] == ["symbol", "kind"]
        assert [line[:2] for line in words[2:]] == [[f"S{n}", "quotes"] for n in range(3)]
        found.append([line[2:] for line in words[2:]])
    joined = [first + second for first, second in zip(*found, strict=True)]
    assert joined == [[f"{cell:,}" for cell in row[2:]] for row in rows]


def test_what_is_long_is_broken_between_words_alone(capsys):
    path = "/a/folder" * 20
    print_facts({"path": path, "notes": [f"note {k}" for k in range(40)]})
    print_note("a word and a path " + path + " and " + "more " * 30)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["path", path]
    assert all(len(line) <= WIDTH for line in lines if path not in line)
    facts, note = lines[1 : lines.index("- a word and a path")], lines[len(lines) - 4 :]
    assert " ".join(" ".join(facts).split()) == "notes " + ", ".join(f"note {k}" for k in range(40))
    assert note[0].startswith("- ") and all(line.startswith("  ") for line in note[1:])


def test_what_a_terminal_would_obey_is_escaped(capsys):
    """Names and reasons of a stranger's files cleared the screen of who read them."""
    bad = "a\x1b[2J\x07\x9b1m\u202e[b]"
    print_table(("name", "of"), [(bad, [bad]), (bad, {bad: bad})])
    print_facts({bad: bad})
    print_note(bad)
    print_line(bad)
    out = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in out)
    assert out.count(r"a\x1b[2J\x07\x9b1m\u202e[b]") == 9
