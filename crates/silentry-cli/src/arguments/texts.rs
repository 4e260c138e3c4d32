//! How people write the values of settings: with blanks and line ends around them, several in one text, with `~`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::failure::Failure;

/// Reads a list from a config file: a list of texts, or one text.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "it takes a text in quotes, or a list of them")]
    enum Written {
        Text(String),
        List(Vec<String>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => vec![text],
        Written::List(texts) => texts,
    })
}

/// Returns what stands between blanks, tabs and line ends.
pub(super) fn words(texts: &[String]) -> Vec<String> {
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    words.map(str::to_owned).collect()
}

/// Returns what stands between blanks, tabs, line ends and commas.
pub(super) fn words_or_commas(texts: &[String]) -> Vec<String> {
    let separates = |c: char| c == ',' || c.is_whitespace();
    let words = texts.iter().flat_map(|text| text.split(separates));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Returns the parameters of each line, which stand between blanks. A word without `=` belongs to the value before it:
/// `a=b c` is one parameter, and `a=b c=d` are two.
pub(super) fn parameters(texts: &[String]) -> Vec<String> {
    let mut parameters: Vec<String> = Vec::new();
    for line in lines(texts) {
        let before = parameters.len();
        for word in line.split_whitespace() {
            match parameters[before..].last_mut() {
                Some(parameter) if !word.contains('=') => {
                    parameter.push(' ');
                    parameter.push_str(word);
                }
                _ => parameters.push(word.to_owned()),
            }
        }
    }
    parameters
}

/// Returns the lines that are not empty.
pub(super) fn lines(texts: &[String]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Takes blanks and line ends from both ends of a text.
pub(super) fn trim(text: &mut Option<String>) {
    if let Some(text) = text {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            *text = trimmed.to_owned();
        }
    }
}

/// The same for a path; one that is not Unicode stays as it is.
pub(super) fn trim_path(path: &mut Option<PathBuf>) {
    if let Some(text) = path.as_deref().and_then(Path::to_str) {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            *path = Some(PathBuf::from(trimmed));
        }
    }
}

/// Puts the user's home for a `~` in front, as only shells do, and those not in `--cache=~/file`.
pub(super) fn expand_home(path: &mut Option<PathBuf>) -> Result<(), Failure> {
    let Some(rest) = path.as_deref().and_then(below_home) else {
        return Ok(());
    };
    let Some(home) = silentry_files::home() else {
        return Err(Failure::usage(
            "usage",
            "`~` stands for the user's home, and this user has none",
            "Write the whole path, or set HOME.",
        ));
    };
    *path = Some(home.join(rest));
    Ok(())
}

/// The same for a credential cache, which may have its type in front: `FILE:~/ccache`.
pub(super) fn expand_home_of_ccache(ccache: &mut Option<String>) -> Result<(), Failure> {
    let Some(name) = ccache else {
        return Ok(());
    };
    let (kind, path) = match name.split_once(':') {
        Some((kind, path)) => (Some(kind), path),
        None => (None, name.as_str()),
    };
    let mut path = Some(PathBuf::from(path));
    if path.as_deref().and_then(below_home).is_none() {
        return Ok(());
    }
    expand_home(&mut path)?;
    if let Some(path) = path.as_deref().and_then(Path::to_str) {
        *name = match kind {
            Some(kind) => format!("{kind}:{path}"),
            None => path.to_owned(),
        };
    }
    Ok(())
}

fn below_home(path: &Path) -> Option<&Path> {
    path.strip_prefix("~").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_in_many_ways() {
        for written in ["a b", " a\tb\r\n", "\n a \n\n b"] {
            assert_eq!(words(&[written.to_owned()]), ["a", "b"], "{written:?}");
        }
        assert_eq!(words(&["a".to_owned(), " b".to_owned()]), ["a", "b"]);
        assert_eq!(
            words_or_commas(&["a, b\n,c d,".to_owned()]),
            ["a", "b", "c", "d"]
        );
        assert!(words(&[String::new(), " \n".to_owned()]).is_empty());
        assert_eq!(
            parameters(&["a=b c d=e".to_owned(), "\tf=\n g\n".to_owned()]),
            ["a=b c", "d=e", "f=", "g"]
        );
        let headers = "X-One=a b\r\n\n X-Two=c ".to_owned();
        assert_eq!(lines(&[headers]), ["X-One=a b", "X-Two=c"]);
    }

    #[test]
    fn only_a_tilde_by_itself_is_the_home() {
        let home = silentry_files::home().unwrap();
        for (written, meant) in [
            ("~/tokens.json", home.join("tokens.json")),
            ("~", home.clone()),
            ("~alice/x", "~alice/x".into()),
            ("a/~/b", "a/~/b".into()),
            ("./~/b", "./~/b".into()),
        ] {
            let mut path = Some(PathBuf::from(written));
            assert!(expand_home(&mut path).is_ok());
            assert_eq!(path, Some(meant));
        }
        let below = home.join("cc");
        for (written, meant) in [
            ("FILE:~/cc", format!("FILE:{}", below.display())),
            ("~/cc", below.display().to_string()),
            ("KCM:", "KCM:".to_owned()),
            (
                "KEYRING:persistent:1000",
                "KEYRING:persistent:1000".to_owned(),
            ),
            ("C:\\cc", "C:\\cc".to_owned()),
        ] {
            let mut ccache = Some(written.to_owned());
            assert!(expand_home_of_ccache(&mut ccache).is_ok());
            assert_eq!(ccache, Some(meant));
        }
    }
}
