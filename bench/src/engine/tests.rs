//! The accounting, against a server that drops, doubles and delays by known amounts.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use super::*;
use crate::frames;

const MEMBERS: usize = 3;
const DELAY: Duration = Duration::from_millis(20);

/// How often it did what it shouldn't.
#[derive(Debug, Default)]
struct Done {
    dropped: u64,
    doubled: u64,
}

/// What a member hears of a message: how often.
type Fault = fn(number: u64, member: usize) -> usize;

/// Serves one room of three until one of them goes. Each message is `DELAY` late, and once more as late for the last of them.
fn serve(listener: TcpListener, fault: Fault) -> JoinHandle<Done> {
    thread::spawn(move || {
        let mut members: Vec<TcpStream> = (0..MEMBERS).map(|_| admit(&listener)).collect();
        let (mut done, mut heard, mut chunk, mut number) = (Done::default(), Vec::new(), [0; 4096], 0);
        loop {
            let Ok(count @ 1..) = members[0].read(&mut chunk) else { return done };
            heard.extend_from_slice(&chunk[..count]);
            while let Some(text) = unmasked(&mut heard) {
                thread::sleep(DELAY);
                for (member, stream) in members.iter_mut().enumerate() {
                    if member == MEMBERS - 1 {
                        thread::sleep(DELAY);
                    }
                    let times = fault(number, member);
                    done.dropped += u64::from(times == 0);
                    done.doubled += u64::from(times == 2);
                    if (0..times).try_for_each(|_| stream.write_all(&framed(&text))).is_err() {
                        return done;
                    }
                }
                number += 1;
            }
        }
    })
}

fn admit(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").unwrap();
    stream
}

/// The next text of a client: masked with zeros, 126 to 65,535 bytes.
fn unmasked(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes(heard.get(2..4)?.try_into().unwrap()));
    let text = heard.get(8..8 + length)?.to_vec();
    heard.drain(..8 + length);
    Some(text)
}

fn framed(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
    frame.extend_from_slice(text);
    assert!(frames::find(&frame, 0).is_some());
    frame
}

fn run(fault: Fault, pace: Pace) -> (Figures, Done) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let done = serve(listener, fault);
    let members = (0..MEMBERS).map(|place| Member { server: server.clone(), token: place.to_string() }).collect();
    let mut engine = Engine::open(Speech::Plain, vec![Circle { id: "room".into(), members }], 100, Vec::new()).unwrap();
    let figures = engine.measure(pace, Duration::from_secs(1)).unwrap();
    drop(engine);
    (figures, done.join().unwrap())
}

#[test]
fn what_arrives_is_counted_with_its_delay() {
    let (figures, done) = run(|_, _| 1, Pace::Closed(1));
    assert_eq!((figures.get("lost"), figures.get("doubled"), done.dropped, done.doubled), (0.0, 0.0, 0, 0));
    assert!(figures.get("p50_ms") >= 20.0 && figures.get("last_p50_ms") >= 40.0, "{figures}");
    // Of what is twice `DELAY` apart one more than fits may fall between two moments; at either end two may be cut through.
    let [messages, deliveries] =
        ["messages_per_s", "deliveries_per_s"].map(|rate| (figures.get(rate) * figures.get("seconds")).round());
    let most = figures.get("seconds") / (2 * DELAY).as_secs_f64() + 2.0;
    assert!(messages > 0.0 && messages <= most && (deliveries - 3.0 * messages).abs() <= 6.0, "{figures}");
}

#[test]
fn what_gets_lost_and_what_comes_twice_is_counted() {
    let fault: Fault = |number, member| match (number % 10, member) {
        (3, 1) => 0,
        (5, 2) | (7, 0) => 2,
        _ => 1,
    };
    let (figures, done) = run(fault, Pace::Open(20.0));
    assert!(done.dropped > 1 && done.doubled > 2, "{done:?}");
    assert_eq!((figures.get("lost"), figures.get("doubled")), (done.dropped as f64, done.doubled as f64), "{figures}");
}

/// A server that can't keep up is late by as much as it has fallen behind: a message counts from when it was due.
#[test]
fn falling_behind_is_late() {
    let (figures, _) = run(|_, _| 1, Pace::Open(50.0));
    assert!(figures.get("p99_ms") > 500.0, "{figures}");
}
