//! A connection to a domain controller: requests out, messages in, sealed once the bind is complete.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use silentry_negotiate::Context;
use silentry_protocol::ldap::{self, Entry, MAX_MESSAGE, Message, Outcome, Reply, Search};

use super::Failure;
use super::deadline::Deadline;

/// Addresses of a name that are tried. Each domain controller of a domain is one.
const MAX_ADDRESSES: usize = 3;

/// How long one address may take to answer; on the corporate network it takes milliseconds.
const CONNECT_LIMIT: Duration = Duration::from_millis(600);

/// What a search may give. Nobody asks for more than one entry; two say that a name is not one user's.
const SIZE_LIMIT: u32 = 4;

/// The messages of one search: entries, references to other servers, the end.
const MAX_MESSAGES: usize = 16;

/// What sealing adds to a message is a tenth of this (RFC 4121 4.2.4).
const MAX_SEAL: usize = 1024;

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    deadline: Deadline,
    /// Protects what is said after the bind.
    context: Option<Context>,
    /// What was received and not read yet, opened.
    received: Vec<u8>,
    last_id: u32,
}

impl Connection {
    /// Connects to the first address of a name that answers.
    pub(super) fn open(host: &str, port: u16, deadline: Deadline) -> Result<Self, Failure> {
        let mut why = "it has no address".to_owned();
        for address in deadline.resolve(host, port)?.iter().take(MAX_ADDRESSES) {
            let limit = deadline.remaining()?.min(CONNECT_LIMIT);
            match TcpStream::connect_timeout(address, limit) {
                Ok(stream) => {
                    // A hint to the kernel; nothing depends on it.
                    let _ = stream.set_nodelay(true);
                    return Ok(Connection {
                        stream,
                        deadline,
                        context: None,
                        received: Vec::new(),
                        last_id: 0,
                    });
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(Failure::Unreachable(format!("{host}: {why}")))
    }

    /// Sends a token and returns the server's answer to it.
    pub(super) fn bind(&mut self, token: &[u8]) -> Result<(Outcome, Option<Vec<u8>>), Failure> {
        let id = self.next_id();
        self.send(&ldap::bind(id, token))?;
        match self.receive(id)? {
            Reply::Bind {
                outcome,
                credentials,
            } => Ok((outcome, credentials)),
            _ => Err(Failure::Garbled(
                "it answers a bind with something else".into(),
            )),
        }
    }

    /// Seals everything from now on. What was received before is not to be believed.
    pub(super) fn seal(&mut self, context: Context) -> Result<(), Failure> {
        if !self.received.is_empty() {
            return Err(Failure::Garbled("it speaks before it is asked".into()));
        }
        self.context = Some(context);
        Ok(())
    }

    /// Returns the entries that a search finds.
    pub(super) fn search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, Failure> {
        let id = self.next_id();
        let seconds = u32::try_from(self.deadline.remaining()?.as_secs()).unwrap_or(0) + 1;
        self.send(&ldap::search(id, search, SIZE_LIMIT, seconds))?;
        let mut entries = Vec::new();
        for _ in 0..MAX_MESSAGES {
            match self.receive(id)? {
                Reply::Entry(entry) => entries.push(entry),
                Reply::Done(outcome) => match outcome.code {
                    ldap::SUCCESS | ldap::SIZE_LIMIT_EXCEEDED => return Ok(entries),
                    _ => return Err(Failure::refused("a search", &outcome)),
                },
                Reply::Other => {}
                Reply::Bind { .. } => break,
            }
        }
        Err(Failure::Garbled("its answer does not end".into()))
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let bytes = match &mut self.context {
            None => message.to_vec(),
            Some(context) => {
                let sealed = context.wrap(message, true).map_err(Failure::Kerberos)?;
                // RFC 4422 3.7: each buffer behind its length.
                let length = u32::try_from(sealed.len()).expect("a request is a few hundred bytes");
                [&length.to_be_bytes()[..], &sealed].concat()
            }
        };
        let left = self.deadline.remaining()?;
        self.stream
            .set_write_timeout(Some(left))
            .and_then(|()| self.stream.write_all(&bytes))
            .map_err(|error| Failure::from_io(&error))
    }

    fn receive(&mut self, id: u32) -> Result<Reply, Failure> {
        loop {
            let length = ldap::length(&self.received).map_err(Failure::Garbled)?;
            if let Some(length) = length.filter(|length| *length <= self.received.len()) {
                let message: Vec<u8> = self.received.drain(..length).collect();
                let Message {
                    id: answered,
                    reply,
                } = ldap::parse(&message).map_err(Failure::Garbled)?;
                if answered != id {
                    return Err(Failure::Garbled("it ends the connection".into()));
                }
                return Ok(reply);
            }
            self.receive_more()?;
        }
    }

    fn receive_more(&mut self) -> Result<(), Failure> {
        if self.context.is_none() {
            let mut part = [0; 4096];
            let count = self.read(&mut part)?;
            self.received.extend_from_slice(&part[..count]);
            return Ok(());
        }
        let mut length = [0; 4];
        self.read_all(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_MESSAGE + MAX_SEAL {
            return Err(Failure::Garbled(format!(
                "it sends a buffer of {length} bytes"
            )));
        }
        let mut sealed = vec![0; length];
        self.read_all(&mut sealed)?;
        if let Some(context) = &mut self.context {
            let opened = context.unwrap(&sealed).map_err(Failure::Kerberos)?;
            if opened.is_empty() {
                return Err(Failure::Garbled("it sends empty buffers".into()));
            }
            self.received.extend_from_slice(&opened);
        }
        Ok(())
    }

    fn read_all(&mut self, mut rest: &mut [u8]) -> Result<(), Failure> {
        while !rest.is_empty() {
            let count = self.read(rest)?;
            rest = &mut rest[count..];
        }
        Ok(())
    }

    /// Reads what there is, by the deadline however slowly it comes.
    fn read(&mut self, part: &mut [u8]) -> Result<usize, Failure> {
        let left = self.deadline.remaining()?;
        let read = self
            .stream
            .set_read_timeout(Some(left))
            .and_then(|()| self.stream.read(part));
        match read {
            Ok(0) => Err(Failure::Garbled("it closes the connection".into())),
            Ok(count) => Ok(count),
            Err(error) => Err(Failure::from_io(&error)),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let id = self.next_id();
        // The connection ends either way.
        let _ = self.send(&ldap::unbind(id));
    }
}
