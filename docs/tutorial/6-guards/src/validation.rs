use std::collections::BTreeMap;

/// The errors of a form, by field.
pub type Errors = BTreeMap<&'static str, &'static str>;

pub fn is_username(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (3..=32).contains(&text.len()) && text.chars().all(is_allowed)
}

pub fn validate(username: &str, password: &str) -> Errors {
    let mut errors = Errors::new();
    if !is_username(username) {
        errors.insert("username", "Use 3 to 32 letters, digits, dots, underscores or hyphens.");
    }
    if password.chars().count() < 15 {
        errors.insert("password", "Use at least 15 characters. You could use a sentence.");
    } else if password.len() > 1024 {
        errors.insert("password", "This password is too long.");
    } else if password.eq_ignore_ascii_case(username) {
        errors.insert("password", "Your password must not be your username.");
    }
    errors
}
