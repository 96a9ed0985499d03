//! Lines that are no wider than the page: folded between words.

use super::safe::color_sequence;

/// Stands for a blank at which no line is broken, until the text is laid out.
pub(super) const UNBROKEN_BLANK: &str = "\u{a0}";
/// What a line of a shell command ends in that goes on in the next one.
const CONTINUED: &str = " \\";
/// What such a next line begins with.
const CONTINUATION: &str = "  ";

/// Folds the lines of a text between words so that none has more than `width` letters, unless a
/// single word has. The rest of a line is indented as its beginning is; sequences that set colors
/// take no room.
#[must_use]
pub fn folded(text: &str, width: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let words = line.trim_start_matches(' ');
        let indent = &line[..line.len() - words.len()];
        let lines = broken(words, width.saturating_sub(indent.len()));
        folded.push_str(indent);
        folded.push_str(&lines.join(&format!("\n{indent}")));
        folded.push_str(end);
    }
    folded
}

/// As [`folded`], but what stands between backquotes, a command to paste, stays on one line.
#[must_use]
pub fn message(text: &str, width: usize) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => part.replace(' ', UNBROKEN_BLANK),
    });
    folded(&parts.collect::<Vec<_>>().join("`"), width).replace(UNBROKEN_BLANK, " ")
}

/// Folds a shell command between its words so that it can still be pasted: each line but the last
/// ends in a backslash.
#[must_use]
pub fn command(text: &str, width: usize) -> Vec<String> {
    if letters(text) <= width {
        return vec![text.to_owned()];
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_between = |letter: char| {
        let was_escaped = std::mem::replace(&mut is_escaped, letter == '\\' && !is_quoted);
        if letter == '\'' && (is_quoted || !was_escaped) {
            is_quoted = !is_quoted;
        }
        letter == ' ' && !is_quoted
    };
    let room = width.saturating_sub(CONTINUED.len());
    let mut words: Vec<String> = Vec::new();
    for word in text.split(is_between) {
        match words.last_mut() {
            // An option stays beside its value if a line has room for both.
            Some(last)
                if last.starts_with("--")
                    && !last.contains(' ')
                    && !word.starts_with('-')
                    && CONTINUATION.len() + letters(last) + 1 + letters(word) <= room =>
            {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut lines = vec![String::new()];
    for (index, word) in words.iter().enumerate() {
        let Some(line) = lines.last_mut() else { continue };
        if index == 0 {
            line.push_str(word);
        } else if letters(line) + 1 + letters(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            line.push_str(CONTINUED);
            lines.push(format!("{CONTINUATION}{word}"));
        }
    }
    lines
}

/// Breaks a text between words so that each line has at most `width` letters, unless a single word
/// has more.
pub(super) fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in text.split(' ') {
        let letters = letters(word);
        match lines.last_mut() {
            Some(line) if line.is_empty() => {
                line.push_str(word);
                room = width.saturating_sub(letters);
            }
            Some(line) if letters < room => {
                line.push(' ');
                line.push_str(word);
                room -= letters + 1;
            }
            _ => {
                lines.push(word.to_owned());
                room = width.saturating_sub(letters);
            }
        }
    }
    lines
}

/// How many letters are seen of a text: sequences that set colors are not.
fn letters(text: &str) -> usize {
    let mut letters = 0;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let unseen = color_sequence(rest);
        letters += usize::from(unseen == 0);
        rest = &rest[unseen.max(letter.len_utf8())..];
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_words_and_keep_their_indent() {
        let text = "  sold 8,900 of 10,000 seats\nas planned\n";
        assert_eq!(folded(text, 16), "  sold 8,900 of\n  10,000 seats\nas planned\n");
        assert_eq!(folded(text, 80), text);
        assert_eq!(folded("no end", 80), "no end");
    }

    #[test]
    fn commands_of_messages_stay_on_one_line() {
        let text = "Hint: see what is left with `tix ticket map --event hall`, then hold it\n";
        let lines = "Hint: see what is\nleft with\n`tix ticket map --event hall`,\nthen hold it\n";
        assert_eq!(message(text, 20), lines);
    }

    #[test]
    fn colors_take_no_room() {
        let text = "\u{1b}[32maudit passed\u{1b}[0m: 3 rules";
        assert_eq!(folded(text, 21), text);
        assert_eq!(folded(text, 20), "\u{1b}[32maudit passed\u{1b}[0m: 3\nrules");
    }

    #[test]
    fn folded_commands_can_be_pasted() {
        let text = r"tix audit --event 'ann'\''s night' --store sqlite:x.db";
        assert_eq!(command(text, 80), [text]);
        assert_eq!(
            command(text, 30),
            [r"tix audit \", r"  --event 'ann'\''s night' \", "  --store sqlite:x.db"]
        );
    }
}
