//! What a reader does to a file: the words after its name, such as ", below the function `log_in`".

use std::ops::RangeInclusive;

/// Where in a file a block goes.
#[derive(Debug, PartialEq)]
pub enum Place {
    /// The block is the file.
    File,
    /// After an empty line at the end of the file.
    End,
    Above(Anchor),
    Below(Anchor),
    InsteadOf(Anchor),
}

/// A part of a file, which exactly one place in the file matches.
#[derive(Debug, PartialEq)]
pub enum Anchor {
    /// The line that contains this text.
    Line(String),
    /// The lines from the first text to the second.
    Lines(String, String),
    /// A function or another item, with its attributes and comments.
    Item(String),
}

impl Place {
    /// Parses the words between a file name and the colon.
    pub fn parse(words: &str) -> Option<Place> {
        match words {
            "" => return Some(Place::File),
            ", continued" | ", at the end" => return Some(Place::End),
            _ => {}
        }
        let words = words.strip_prefix(", ")?;
        if let Some(anchor) = words.strip_prefix("below ") {
            Anchor::parse(anchor).map(Place::Below)
        } else if let Some(anchor) = words.strip_prefix("above ") {
            Anchor::parse(anchor).map(Place::Above)
        } else {
            Anchor::parse(words.strip_prefix("instead of ")?).map(Place::InsteadOf)
        }
    }

    /// Applies a block to the text of a file.
    pub fn apply(&self, file: &str, block: &str) -> String {
        let lines: Vec<&str> = file.lines().collect();
        let is_item = |anchor: &Anchor| matches!(anchor, Anchor::Item(_));
        let (before, gap, after) = match self {
            Place::File => return block.to_owned(),
            Place::End => {
                return format!("{}\n{block}", file.trim_end_matches('\n').to_owned() + "\n");
            }
            Place::Above(anchor) => {
                let start = *anchor.find(&lines).start();
                let block = if is_item(anchor) { format!("{block}\n") } else { block.to_owned() };
                return join(&lines[..start], &block, &lines[start..]);
            }
            Place::Below(anchor) => {
                let end = anchor.find(&lines).end() + 1;
                (end, is_item(anchor), end)
            }
            Place::InsteadOf(anchor) => {
                let range = anchor.find(&lines);
                let (start, mut end) = (*range.start(), range.end() + 1);
                // Also deletes the empty line after a deleted item.
                if block.is_empty()
                    && start > 0
                    && lines[start - 1].is_empty()
                    && lines.get(end) == Some(&"")
                {
                    end += 1;
                }
                (start, false, end)
            }
        };
        let block = if gap { format!("\n{block}") } else { block.to_owned() };
        join(&lines[..before], &block, &lines[after..])
    }
}

fn join(before: &[&str], block: &str, after: &[&str]) -> String {
    let lines = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    [lines(before), block.to_owned(), lines(after)].concat()
}

impl Anchor {
    fn parse(words: &str) -> Option<Anchor> {
        if let Some(words) = words.strip_prefix("the lines from `") {
            let (first, rest) = words.split_once("` to `")?;
            return Some(Anchor::Lines(first.to_owned(), rest.strip_suffix('`')?.to_owned()));
        }
        if let Some(text) = words.strip_prefix('`') {
            return Some(Anchor::Line(text.strip_suffix('`')?.to_owned()));
        }
        let (kind, text) = words.strip_prefix("the ")?.split_once(" `")?;
        let keyword = match kind {
            "function" => "fn ",
            "struct" => "struct ",
            "enum" => "enum ",
            "constant" => "const ",
            "implementation" => "",
            _ => return None,
        };
        Some(Anchor::Item(format!("{keyword}{}", text.strip_suffix('`')?)))
    }

    fn find(&self, lines: &[&str]) -> RangeInclusive<usize> {
        let only = |text: &str, from: usize| {
            let mut found = (from..lines.len()).filter(|&i| lines[i].contains(text));
            let line = found
                .next()
                .unwrap_or_else(|| panic!("no line contains {text}:\n{}", lines.join("\n")));
            assert!(from > 0 || found.next().is_none(), "several lines contain {text}");
            line
        };
        match self {
            Anchor::Line(text) => only(text, 0)..=only(text, 0),
            Anchor::Lines(first, last) => {
                let start = only(first, 0);
                start
                    ..=start
                        + lines[start..]
                            .iter()
                            .position(|line| line.contains(last.as_str()))
                            .unwrap()
            }
            Anchor::Item(name) => item(lines, name),
        }
    }
}

/// Returns the lines of the item whose first line contains `name`, such as `fn log_in` or `impl User`.
fn item(lines: &[&str], name: &str) -> RangeInclusive<usize> {
    let is_first = |line: &&str| {
        let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let has_name = line.match_indices(name).any(|(i, _)| is_word(&line[i + name.len()..]));
        has_name && !line.trim_start().starts_with("//")
    };
    let found: Vec<usize> = (0..lines.len()).filter(|&i| is_first(&lines[i])).collect();
    assert_eq!(
        found.len(),
        1,
        "{name} is the name of {} items:\n{}",
        found.len(),
        lines.join("\n")
    );
    let (mut start, mut end) = (found[0], found[0]);
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let level = indentation(lines[start]);
    while start > 0
        && ["#[", "//"].iter().any(|prefix| lines[start - 1].trim_start().starts_with(prefix))
    {
        start -= 1;
    }
    while !(indentation(lines[end]) == level && lines[end].ends_with(['}', ';'])) {
        end += 1;
    }
    start..=end
}

#[test]
fn applies_each_kind_of_edit() {
    let file = "use a;\n\n#[get]\nfn one() {\n    1\n}\n\nfn two() {}\n";
    let apply = |words: &str, block: &str| Place::parse(words).unwrap().apply(file, block);
    assert_eq!(apply("", "x\n"), "x\n");
    assert_eq!(apply(", continued", "x\n"), format!("{file}\nx\n"));
    assert_eq!(apply(", below `use a`", "x\n"), file.replace("use a;\n", "use a;\nx\n"));
    assert_eq!(apply(", above `use a`", "x\n"), format!("x\n{file}"));
    let one = "#[get]\nfn one() {\n    1\n}\n";
    assert_eq!(apply(", instead of the function `one`", "x\n"), file.replace(one, "x\n"));
    assert_eq!(
        apply(", below the function `one`", "x\n"),
        file.replace(one, &format!("{one}\nx\n"))
    );
    assert_eq!(
        apply(", above the function `one`", "x\n"),
        file.replace(one, &format!("x\n\n{one}"))
    );
    assert_eq!(apply(", instead of the function `one`", ""), "use a;\n\nfn two() {}\n");
    assert_eq!(
        apply(", instead of the lines from `fn one` to `}`", "x\n"),
        "use a;\n\n#[get]\nx\n\nfn two() {}\n"
    );
}
