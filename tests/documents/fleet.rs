//! The page about a large fleet, whose computed figures must follow from the measured ones.

use std::collections::BTreeMap;

use crate::markdown::read;

/// Parses a number with commas between thousands.
fn number(text: &str) -> f64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

/// Computes sums of products and quotients, such as `a` × 2 / 3 + `b`.
fn evaluate(formula: &str, values: &BTreeMap<String, f64>) -> f64 {
    let value = |text: &str| match text.strip_prefix('`') {
        Some(name) => values[name.trim_end_matches('`')],
        None => number(text),
    };
    let product = |term: &str| {
        let words: Vec<_> = term.split(' ').collect();
        words[1..].chunks(2).fold(value(words[0]), |result, step| match step {
            ["×", factor] => result * value(factor),
            ["/", divisor] => result / value(divisor),
            _ => panic!("{term} is not a product"),
        })
    };
    formula.split(" + ").map(product).sum()
}

#[test]
fn the_computed_figures_follow_from_the_measured_ones() {
    let page = read("docs/fleet.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let (mut measured, mut columns) = (BTreeMap::new(), Vec::<BTreeMap<String, f64>>::new());
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].split('`').nth(1).unwrap().to_owned();
        if cells.len() == 3 {
            measured.insert(name, number(cells[2]));
            continue;
        }
        let (formula, figures) = (cells[1], &cells[2..]);
        if formula.is_empty() {
            columns = vec![measured.clone(); figures.len()];
        }
        for (figure, values) in figures.iter().map(|figure| number(figure)).zip(&mut columns) {
            let exact = if formula.is_empty() { figure } else { evaluate(formula, values) };
            assert!((figure / exact - 1.0).abs() < 0.05, "{name}: {figure} instead of {exact}");
            values.insert(name.clone(), exact);
            count += 1;
        }
    }
    assert!(count > 50, "the page has only {count} computed figures");
}
