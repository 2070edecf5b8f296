//! The documents as a site.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::markdown::*;

const SUMMARY: &str = "docs/SUMMARY.md";

#[test]
fn the_summary_lists_every_document_once() {
    let summary = read(SUMMARY);
    let links = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let links: Vec<_> = links.filter(|link| !link.is_empty()).collect();
    let listed: BTreeSet<_> = links.iter().map(|link| resolve(SUMMARY, link)).collect();
    assert_eq!(listed.len(), links.len(), "{SUMMARY} lists a document twice");
    let mut expected = BTreeSet::from(["login/CHANGELOG.md", "login/README.md"].map(str::to_owned));
    expected.extend(documents().into_iter().filter(|document| document != SUMMARY));
    let missing: Vec<_> = expected.difference(&listed).collect();
    assert!(missing.is_empty(), "{SUMMARY} does not list {missing:?}");
    let unknown: Vec<_> = listed.difference(&expected).collect();
    assert!(unknown.is_empty(), "{SUMMARY} lists {unknown:?}, which do not exist");
}

#[test]
#[ignore = "needs git and mdbook"]
fn every_link_in_the_site_leads_to_a_file_and_an_anchor_that_exist() {
    let built = command_in("sh", ROOT).arg("docs/site.sh").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let site = Path::new(ROOT).join("target/site");
    let pages: BTreeMap<PathBuf, Page> = html_files(&site).map(read_page).collect();
    assert!(pages.len() > 200, "the site has only {} pages", pages.len());
    let mut count = 0;
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !is_external(link)) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = file.split('?').next().unwrap();
            let target = if file.is_empty() { path.clone() } else { join(path, file) };
            let exists = match pages.get(&target) {
                Some(target) => anchor.is_empty() || target.anchors.contains(anchor),
                None => target.is_file(),
            };
            if !exists {
                broken.push(format!("{}: {link}", path.strip_prefix(&site).unwrap().display()));
            }
            count += 1;
        }
    }
    assert!(broken.is_empty(), "these links are broken:\n{}", broken.join("\n"));
    assert!(count > 1000, "the site has only {count} links");
}

/// The links and the anchors of a page.
struct Page {
    links: BTreeSet<String>,
    anchors: BTreeSet<String>,
}

fn html_files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                files.push(path);
            }
        }
    }
    files.into_iter()
}

fn read_page(path: PathBuf) -> (PathBuf, Page) {
    let html = fs::read_to_string(&path).unwrap();
    // Code also contains attributes, but not within `<` and `>`, which are escaped there.
    let tags: Vec<_> = html.split('<').map(|rest| rest.split('>').next().unwrap()).collect();
    let values = |attribute: &str| -> BTreeSet<String> {
        let start = format!(" {attribute}=\"");
        let values = tags.iter().filter_map(|tag| tag.split(&start).nth(1));
        values.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect()
    };
    let links = values("href").union(&values("src")).cloned().collect();
    let page = Page { links, anchors: values("id") };
    (path, page)
}

fn is_external(link: &str) -> bool {
    link.contains("://") || link.starts_with("data:") || link.starts_with("mailto:")
}

/// Returns the path to which a link in the file `from` leads.
fn join(from: &Path, link: &str) -> PathBuf {
    let mut path = from.parent().unwrap().to_owned();
    for part in link.split('/').filter(|part| *part != ".") {
        match part {
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}
