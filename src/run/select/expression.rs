//! `-k` and `-m`: words joined by `and`, `or`, `not` and parentheses.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::vec::IntoIter;

use crate::scenario::Diagnostic;
use crate::scenario::diagnostic::Source;

/// An expression such as `dtmf and not (inband or "in band")`. `not` binds closest, then `and`, then `or`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Word(String),
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

/// Parentheses and `not`s within one another; a person writes three.
const DEEPEST: usize = 100;

impl Expression {
    /// Reads `text`, which was given by `option` (`-k`).
    ///
    /// A word is anything without blanks and parentheses; one with those, or one that is `and`, `or` or `not` itself,
    /// stands in single or double quotation marks.
    pub fn parse(option: &str, text: &str) -> Result<Self, Box<Diagnostic>> {
        let source = Arc::new(Source::new(option, text));
        let tokens = tokens(text).map_err(|wrong| wrong.diagnostic(&source))?;
        let mut parser = Parser { tokens: tokens.into_iter().peekable(), end: text.trim_end().len() };
        let result = parser.any(0).and_then(|node| match parser.tokens.next() {
            None => Ok(Expression(node)),
            Some((Token::Close, span)) => Err(Wrong::at(span, "no parenthesis is open here")),
            Some((token, span)) => {
                let mut wrong = Wrong::at(span, format!("expected `and`, `or` or the end, found {}", token.named()));
                wrong.label = match &token {
                    Token::Word(word) if ["AND", "OR", "&", "&&", "|", "||"].contains(&word.as_str()) => {
                        let meant = if word.starts_with(['A', '&']) { "and" } else { "or" };
                        format!("did you mean `{meant}`?")
                    }
                    _ => String::new(),
                };
                wrong.help = "a text of several words stands in quotation marks".to_owned();
                Err(wrong)
            }
        });
        result.map_err(|wrong| wrong.diagnostic(&source))
    }

    /// Whether it holds where `has` tells which words do.
    pub fn holds(&self, has: &dyn Fn(&str) -> bool) -> bool {
        self.0.holds(has)
    }

    /// Its words, in order.
    pub fn words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        self.0.words(&mut words);
        words
    }
}

impl Node {
    fn holds(&self, has: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Node::Word(word) => has(word),
            Node::Not(node) => !node.holds(has),
            Node::All(nodes) => nodes.iter().all(|node| node.holds(has)),
            Node::Any(nodes) => nodes.iter().any(|node| node.holds(has)),
        }
    }

    fn words<'a>(&'a self, words: &mut Vec<&'a str>) {
        match self {
            Node::Word(word) => words.push(word),
            Node::Not(node) => node.words(words),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.words(words)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    And,
    Or,
    Not,
    Open,
    Close,
    Word(String),
}

impl Token {
    fn named(&self) -> String {
        match self {
            Token::And => "`and`".to_owned(),
            Token::Or => "`or`".to_owned(),
            Token::Not => "`not`".to_owned(),
            Token::Open => "`(`".to_owned(),
            Token::Close => "`)`".to_owned(),
            Token::Word(word) => format!("`{word}`"),
        }
    }
}

/// What is wrong, and where.
struct Wrong {
    span: Range<usize>,
    message: String,
    label: String,
    help: String,
}

impl Wrong {
    fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Wrong { span, message: message.into(), label: String::new(), help: String::new() }
    }

    fn diagnostic(self, source: &Arc<Source>) -> Box<Diagnostic> {
        let mut diagnostic = Diagnostic::error(source, self.span, self.message).label(self.label);
        diagnostic.help = self.help;
        Box::new(diagnostic)
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Wrong> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let start = at;
        let rest = &text[start + first.len_utf8()..];
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '"' | '\'' => match rest.find(first) {
                Some(length) => Token::Word(rest[..length].to_owned()),
                None => return Err(Wrong::at(start..text.len(), format!("this {first} is not closed"))),
            },
            blank if blank.is_whitespace() => {
                at += blank.len_utf8();
                continue;
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
                let word = text[start..].split(ends).next().unwrap_or_default();
                match word {
                    "and" => Token::And,
                    "or" => Token::Or,
                    "not" => Token::Not,
                    word => Token::Word(word.to_owned()),
                }
            }
        };
        at += match (&token, first) {
            // With its quotation marks.
            (Token::Word(word), '"' | '\'') => word.len() + 2,
            (Token::Word(word), _) => word.len(),
            (Token::And | Token::Not, _) => 3,
            (Token::Or, _) => 2,
            (Token::Open | Token::Close, _) => 1,
        };
        if matches!(&token, Token::Word(word) if word.is_empty()) {
            return Err(Wrong::at(start..at, "an empty word is in every name"));
        }
        tokens.push((token, start..at));
    }
    Ok(tokens)
}

struct Parser {
    tokens: Peekable<IntoIter<(Token, Range<usize>)>>,
    /// Where the text ends.
    end: usize,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = vec![self.all(depth)?];
        while self.tokens.next_if(|(token, _)| *token == Token::Or).is_some() {
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = vec![self.one(depth)?];
        while self.tokens.next_if(|(token, _)| *token == Token::And).is_some() {
            nodes.push(self.one(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn one(&mut self, depth: usize) -> Result<Node, Wrong> {
        const EXPECTED: &str = "expected a word, `not` or `(`";
        let Some((token, span)) = self.tokens.next() else {
            return Err(Wrong::at(self.end..self.end, format!("{EXPECTED}, found the end")));
        };
        if depth > DEEPEST {
            return Err(Wrong::at(span, format!("more than {DEEPEST} parentheses and `not`s within one another")));
        }
        match token {
            Token::Word(word) => Ok(Node::Word(word)),
            Token::Not => Ok(Node::Not(Box::new(self.one(depth + 1)?))),
            Token::Open => {
                let node = self.any(depth + 1)?;
                match self.tokens.next() {
                    Some((Token::Close, _)) => Ok(node),
                    Some((token, span)) => {
                        Err(Wrong::at(span, format!("expected `and`, `or` or `)`, found {}", token.named())))
                    }
                    None => Err(Wrong::at(span, "this parenthesis is not closed")),
                }
            }
            Token::And | Token::Or | Token::Close => {
                let mut wrong = Wrong::at(span, format!("{EXPECTED}, found {}", token.named()));
                if matches!(token, Token::And | Token::Or) {
                    wrong.help = "a word that is meant as it stands is put in quotation marks".to_owned();
                }
                Err(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::scenario::Style;

    fn holds(text: &str, there: &[&str]) -> bool {
        let expression = Expression::parse("-k", text).unwrap_or_else(|error| panic!("{}", error.render(Style::Plain)));
        expression.holds(&|word| there.contains(&word))
    }

    #[rstest]
    #[case("a", true)]
    #[case("b", false)]
    #[case("not b", true)]
    #[case("not not a", true)]
    #[case("a and b", false)]
    #[case("a or b", true)]
    // pytest's own: `and` binds closer than `or`, `not` closest.
    #[case("a or b and b", true)]
    #[case("(a or b) and b", false)]
    #[case("not b or b", true)]
    #[case("not (b or a)", false)]
    #[case("not(b)and(a)", true)]
    #[case("  a\tand\n'c d'  ", true)]
    #[case("\"not\"", true)]
    #[case("it's", true)]
    #[case("x[k=v]::y", true)]
    fn words_are_joined_as_in_pytest(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(holds(text, &["a", "c d", "not", "it's", "x[k=v]::y"]), expected);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let told: Vec<String> = [
            "dtmf and",
            "",
            "or dtmf",
            "dtmf inband",
            "dtmf AND inband",
            "(dtmf or (inband)",
            "dtmf)",
            "'dtmf",
            "dtmf and \"\"",
            "ünï and )",
            "(a b)",
        ]
        .iter()
        .map(|text| Expression::parse("-k", text).unwrap_err().render(Style::Plain))
        .collect();
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn a_text_without_end_is_told_and_not_followed() {
        let deep = "(".repeat(100_000);
        let error = Expression::parse("-k", &deep).unwrap_err();
        assert!(error.message.contains("more than 100"), "{}", error.message);
        assert!(Expression::parse("-k", &"not ".repeat(100_000)).is_err());
        assert!(holds(&vec!["a"; 100_000].join(" and "), &["a"]));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in ".{0,40}|[()andortx'\" ]{0,30}") {
            let _ = Expression::parse("-k", &text).map_err(|error| error.render(Style::Plain));
        }
    }
}
