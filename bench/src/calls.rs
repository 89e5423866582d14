//! Connections that make one HTTP request after the other, all from one thread.

use std::{
    io::{self, Read, Write},
    net::ToSocketAddrs,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use memchr::memmem;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::{
    Outcome,
    figures::Figures,
    process::{cpu_seconds, resident},
};

/// Before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);
/// The longest wait for something to happen.
const NAP: Duration = Duration::from_millis(50);

/// What is asked, over and over.
pub struct Calls<'a> {
    /// Host and port.
    pub server: &'a str,
    /// How many connections.
    pub connections: usize,
    /// The next request of a connection, as it is written.
    pub request: &'a mut dyn FnMut(usize) -> String,
    /// The server's processes.
    pub pids: &'a [u32],
}

#[derive(Debug)]
struct Call {
    stream: TcpStream,
    since: Instant,
    heard: Vec<u8>,
}

impl Calls<'_> {
    /// Asks for so long.
    ///
    /// # Errors
    /// When an answer is no success, or a connection is lost.
    pub fn measure(self, time: Duration) -> Outcome<Figures> {
        let pids = self.pids;
        let mut latency = Histogram::<u64>::new(3)?;
        let (start, mut since, mut cpu) = (Instant::now(), None::<Instant>, 0.0);
        self.ask(|took| {
            if let Some(took) = took {
                latency.record(took.as_micros() as u64)?;
            }
            if since.is_none() && start.elapsed() > WARM_UP {
                (since, cpu) = (Some(Instant::now()), cpu_seconds(pids));
                latency.reset();
            }
            Ok(since.is_none_or(|since| since.elapsed() < time))
        })?;
        let seconds = since.unwrap_or(start).elapsed().as_secs_f64();
        let cpu = cpu_seconds(pids) - cpu;
        let (answers, millis) = (latency.len() as f64, |micros: u64| micros as f64 / 1e3);
        let mut figures = Figures::default();
        figures.add("requests_per_s", answers / seconds);
        figures.add("requests_per_cpu_s", answers / cpu);
        figures.add("p50_ms", millis(latency.value_at_quantile(0.5)));
        figures.add("p99_ms", millis(latency.value_at_quantile(0.99)));
        figures.add("cpu_s", cpu);
        figures.add("seconds", seconds);
        figures.add("rss_kib", resident(pids) as f64);
        Ok(figures)
    }

    /// Asks so often, and as often more as there are connections at most.
    ///
    /// # Errors
    /// As before.
    pub fn make(self, count: usize) -> Outcome<()> {
        let mut answers = 0;
        self.ask(|took| {
            answers += usize::from(took.is_some());
            Ok(answers < count)
        })
    }

    /// Asks for as long as `go_on` says so, which is told how long each answer took, and now and then that time passes.
    fn ask(self, mut go_on: impl FnMut(Option<Duration>) -> Outcome<bool>) -> Outcome<()> {
        let Self { server, connections, request, .. } = self;
        let address = server.to_socket_addrs()?.next().ok_or("no such server")?;
        let mut poll = Poll::new()?;
        let mut calls = Vec::new();
        for number in 0..connections {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut call = Call { stream: TcpStream::from_std(stream), since: Instant::now(), heard: Vec::new() };
            poll.registry().register(&mut call.stream, Token(number), Interest::READABLE)?;
            call.ask(&request(number))?;
            calls.push(call);
        }
        let mut events = Events::with_capacity(1024);
        while go_on(None)? {
            poll.poll(&mut events, Some(NAP))?;
            for event in events.iter() {
                let Token(number) = event.token();
                if calls[number].is_answered()? {
                    if !go_on(Some(calls[number].since.elapsed()))? {
                        return Ok(());
                    }
                    calls[number].ask(&request(number))?;
                }
            }
        }
        Ok(())
    }
}

impl Call {
    /// A request is small enough for the kernel to take it at once.
    fn ask(&mut self, request: &str) -> io::Result<()> {
        self.since = Instant::now();
        self.stream.write_all(request.as_bytes())
    }

    /// Whether the answer is whole.
    fn is_answered(&mut self) -> Outcome<bool> {
        let mut chunk = [0; 16 << 10];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err("the server has closed a connection".into()),
                Ok(count) => self.heard.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let Some(head) = memmem::find(&self.heard, b"\r\n\r\n") else { return Ok(false) };
        if !self.heard.starts_with(b"HTTP/1.1 2") {
            return Err(String::from_utf8_lossy(&self.heard).into());
        }
        let whole = head + 4 + length(&self.heard[..head]).ok_or("an answer that doesn't tell its length")?;
        if self.heard.len() < whole {
            return Ok(false);
        }
        self.heard.clear();
        Ok(true)
    }
}

/// What the head says of the body's length (RFC 9110, section 8.6).
fn length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_found() {
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: 17"), Some(17));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"), None);
    }
}
