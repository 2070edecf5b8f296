//! Static files, with URLs that change when the files change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::fs::FileServer;
use rocket::http::Status;
use rocket::{Build, Config, Request, Response, Rocket};
use sha2::{Digest, Sha256};
use tera::{Function, Value};

/// Serves a directory at `/static`. In templates, `static_url(file="…")` returns the URL of a file. The
/// URL contains a hash of all files, so that browsers load new versions immediately.
#[derive(Clone)]
pub struct StaticFiles {
    dir: PathBuf,
    version: String,
}

impl StaticFiles {
    /// # Errors
    ///
    /// Returns an error if a file can't be read.
    pub fn open(dir: PathBuf) -> Result<StaticFiles, String> {
        let mut hash = Sha256::new();
        hash_files(&dir, &mut hash)
            .map_err(|cause| format!("The setting static_dir: {}: {cause}", dir.display()))?;
        let version = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(StaticFiles { dir, version })
    }
}

fn hash_files(dir: &Path, hash: &mut Sha256) -> io::Result<()> {
    let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_files(&path, hash)?;
        } else {
            let content = fs::read(&path)?;
            // The length marks where a file ends. Otherwise, moving text to the next file would not
            // change the hash.
            hash.update(content.len().to_be_bytes());
            hash.update(content);
        }
    }
    Ok(())
}

impl Function for StaticFiles {
    fn call(&self, arguments: &HashMap<String, Value>) -> tera::Result<Value> {
        let file = arguments.get("file").and_then(Value::as_str);
        let file = file.ok_or_else(|| tera::Error::msg("static_url needs file=\"…\""))?;
        Ok(format!("/static/{file}?v={}", self.version).into())
    }
}

#[rocket::async_trait]
impl Fairing for StaticFiles {
    fn info(&self) -> Info {
        Info { name: "Static files", kind: Kind::Ignite | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        Ok(rocket.mount("/static", FileServer::from(&self.dir)))
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let is_file = request.uri().path().starts_with("/static/");
        if !is_file || response.status() != Status::Ok {
            return;
        }
        let query = request.uri().query().map(|query| query.as_str());
        let is_current = query.and_then(|query| query.strip_prefix("v=")) == Some(&self.version);
        let is_debug = request.rocket().config().profile == Config::DEBUG_PROFILE;
        let cache_control = match (is_debug, is_current) {
            (true, _) => "public, max-age=0, must-revalidate",
            (false, true) => "public, max-age=31536000, immutable",
            (false, false) => "public, max-age=3600",
        };
        response.set_raw_header("Cache-Control", cache_control);
    }
}
