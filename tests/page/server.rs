//! `tix serve`, as a process that can be killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::house::House;

/// A server that is under way. It is killed with the test that started it.
pub(crate) struct Server {
    process: Child,
    url: String,
    /// What it was told besides where to listen.
    arguments: Vec<String>,
}

impl Server {
    /// Serves at a port that is free, with more arguments to `tix serve`.
    pub(crate) fn start(house: &House, more: &[&str]) -> Self {
        Self::start_at(house, "127.0.0.1:0", more)
    }

    fn start_at(house: &House, address: &str, more: &[&str]) -> Self {
        let mut command = house.command(&[&["serve", "--listen", address], more].concat());
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        if url.is_empty() {
            let told = process.wait_with_output().unwrap();
            panic!("the server ended: {}", String::from_utf8_lossy(&told.stderr));
        }
        let arguments = more.iter().map(ToString::to_string).collect();
        Self { process, url, arguments }
    }

    /// The address of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was, and as it was.
    pub(crate) fn start_again(&mut self, house: &House) {
        let address = self.url.trim_start_matches("http://").to_owned();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        *self = Self::start_at(house, &address, &arguments);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
