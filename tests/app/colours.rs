//! The colours in `static/style.css` have enough contrast (WCAG 2.2), and focus looks different from errors.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A colour as red, green and blue, each from 0 to 1.
type Colour = [f64; 3];

/// Returns the colours of both schemes, light and dark, by the names of their custom properties.
fn colours() -> BTreeMap<String, [Colour; 2]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/style.css");
    let css = fs::read_to_string(path).unwrap();
    let root = css.split('}').next().unwrap();
    let declarations = root.lines().filter_map(|line| line.trim().strip_prefix("--"));
    let colours = declarations.filter_map(|line| line.split_once(": light-dark("));
    colours
        .map(|(name, values)| {
            let (light, dark) = values.trim_end_matches(");").split_once(", ").unwrap();
            (name.to_owned(), [parse(light), parse(dark)])
        })
        .collect()
}

fn parse(hex: &str) -> Colour {
    assert!(hex.len() == 7 && hex.starts_with('#'), "{hex} is not a colour such as #a8330a");
    let channel = |at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
    [channel(1), channel(3), channel(5)]
}

/// Returns the contrast ratio of two colours (WCAG 2.2).
fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |colour: Colour| {
        let linear = |value: f64| match value {
            ..=0.04045 => value / 12.92,
            _ => ((value + 0.055) / 1.055).powf(2.4),
        };
        let [red, green, blue] = colour.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

/// Returns `share` of one colour mixed with another, as `color-mix` in sRGB does.
fn mix(one: Colour, share: f64, other: Colour) -> Colour {
    std::array::from_fn(|channel| one[channel] * share + other[channel] * (1.0 - share))
}

/// Returns the hue in degrees.
fn hue([red, green, blue]: Colour) -> f64 {
    let (x, y) = (red - (green + blue) / 2.0, (green - blue) * 0.75_f64.sqrt());
    y.atan2(x).to_degrees()
}

#[test]
fn colours_have_enough_contrast_in_both_schemes() {
    let colours = colours();
    for (foreground, backgrounds, minimum) in [
        ("ink", &["paper", "card", "wash", "line"] as &[_], 4.5),
        ("soft", &["paper", "card"], 4.5),
        ("accent", &["paper", "card", "wash"], 4.5),
        ("on-accent", &["accent"], 4.5),
        ("good", &["paper", "card"], 4.5),
        ("news", &["card"], 4.5),
        ("care", &["card"], 4.5),
        ("bad", &["paper", "card"], 4.5),
        ("edge", &["paper", "card"], 3.0),
        ("focus", &["paper", "card"], 3.0),
    ] {
        for background in backgrounds {
            for (scheme, name) in ["light", "dark"].into_iter().enumerate() {
                let ratio = contrast(colours[foreground][scheme], colours[*background][scheme]);
                assert!(ratio >= minimum, "{name}: --{foreground} on --{background} is {ratio:.2}");
            }
        }
    }
}

#[test]
fn a_button_has_enough_contrast_while_the_mouse_is_over_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/style.css");
    let css = fs::read_to_string(path).unwrap();
    let hover = css.split("button:enabled:hover, .button:hover {").nth(1).unwrap();
    let hover = hover.split('}').next().unwrap();
    let mixed = hover.split("color-mix(in srgb, var(--accent) ").nth(1).unwrap();
    let (percent, rest) = mixed.split_once("%, var(--").unwrap();
    let share = percent.parse::<f64>().unwrap() / 100.0;
    let other = rest.split(')').next().unwrap();
    let colours = colours();
    for (scheme, name) in ["light", "dark"].into_iter().enumerate() {
        let background = mix(colours["accent"][scheme], share, colours[other][scheme]);
        let ratio = contrast(colours["on-accent"][scheme], background);
        assert!(ratio >= 4.5, "{name}: --on-accent on a button under the mouse is {ratio:.2}");
    }
}

#[test]
fn focus_looks_different_from_an_error_and_from_the_accent() {
    let colours = colours();
    for other in ["bad", "accent"] {
        for (scheme, name) in ["light", "dark"].into_iter().enumerate() {
            let difference = (hue(colours["focus"][scheme]) - hue(colours[other][scheme])).abs();
            let difference = difference.min(360.0 - difference);
            assert!(difference >= 60.0, "{name}: --focus and --{other} differ by {difference:.0}°");
        }
    }
}

#[test]
fn theme_color_matches_the_page_background() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let css = fs::read_to_string(root.join("static/style.css")).unwrap();
    let paper = css.split("--paper: light-dark(").nth(1).unwrap().split(')').next().unwrap();
    let (light, dark) = paper.split_once(", ").unwrap();
    let base = fs::read_to_string(root.join("templates/base.html.tera")).unwrap();
    for (colour, scheme) in [(light, "light"), (dark, "dark")] {
        let content = format!("content=\"{colour}\" media=\"(prefers-color-scheme: {scheme})\"");
        assert!(base.contains(&content), "base.html.tera has no {content}");
    }
}
