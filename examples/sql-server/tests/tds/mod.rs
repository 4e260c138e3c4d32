//! As much of SQL Server as a login with a token needs, by MS-TDS: PRELOGIN, LOGIN7 with the FEDAUTH feature, one query.
//!
//! It speaks no TLS, which the real one demands for such a login.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Types of packets (MS-TDS 2.2.3.1.1).
const SQL_BATCH: u8 = 0x01;
const TABULAR_RESULT: u8 = 0x04;
const LOGIN7: u8 = 0x10;
const PRELOGIN: u8 = 0x12;

/// Options of PRELOGIN (MS-TDS 2.2.6.5).
const VERSION: u8 = 0x00;
const ENCRYPTION: u8 = 0x01;
const FED_AUTH_REQUIRED: u8 = 0x06;
const NO_ENCRYPTION: u8 = 0x02;

const FEDAUTH: u8 = 0x02;
const TERMINATOR: u8 = 0xFF;
/// The client brings the token itself (MS-TDS 2.2.6.4, bFedAuthLibrary).
const SECURITY_TOKEN: u8 = 0x01;

/// What a client said when it logged in.
pub(crate) struct Login {
    pub(crate) token: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

/// Serves one client. `judge` returns the name that the login has in the database, or why it is refused.
pub(crate) fn serve(
    judge: impl FnOnce(&Login) -> Result<String, String> + Send + 'static,
) -> (SocketAddr, JoinHandle<io::Result<Login>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        client.set_read_timeout(Some(Duration::from_secs(20)))?;
        let prelogin = receive(&mut client, PRELOGIN)?;
        let wanted = option(&prelogin, FED_AUTH_REQUIRED);
        check(wanted == Some(&[1]), "no token is announced")?;
        check(
            option(&prelogin, ENCRYPTION) == Some(&[NO_ENCRYPTION]),
            "TLS is wanted",
        )?;
        answer(&mut client, &prelogin_answer())?;

        let login = receive(&mut client, LOGIN7)?;
        let login = Login::parse(&login).ok_or_else(|| malformed("LOGIN7"))?;
        let name = match judge(&login) {
            Ok(name) => name,
            Err(why) => {
                answer(&mut client, &[error_token(&why), done(0x0002, 0)].concat())?;
                return Ok(login);
            }
        };
        let logged_in = [login_acknowledged(), feature_acknowledged(), done(0, 0)];
        answer(&mut client, &logged_in.concat())?;
        receive(&mut client, SQL_BATCH)?;
        answer(&mut client, &[one_row(&name), done(0x0010, 1)].concat())?;
        Ok(login)
    });
    (address, served)
}

impl Login {
    /// MS-TDS 2.2.6.4; the offsets count from the beginning of the message.
    fn parse(message: &[u8]) -> Option<Login> {
        let extension_used = message.get(27)? & 0x10 != 0;
        let extension = usize::from(u16_at(message, 56)?);
        let features = usize::try_from(u32_at(message, extension)?).ok()?;
        let feature = message.get(features..)?;
        let [FEDAUTH, length @ ..] = feature else {
            return None;
        };
        let length = usize::try_from(u32_at(length, 0)?).ok()?;
        let data = feature.get(5..5 + length)?;
        let library = data.first()? >> 1;
        let token_length = usize::try_from(u32_at(data, 1)?).ok()?;
        let ends = feature.get(5 + length)? == &TERMINATOR && data.len() == 5 + token_length;
        if !extension_used || library != SECURITY_TOKEN || !ends {
            return None;
        }
        Some(Login {
            token: utf16(data.get(5..)?)?,
            username: text(message, 40)?,
            password: text(message, 44)?,
            database: text(message, 68)?,
        })
    }
}

/// Returns the text whose offset and length in characters stand at `place`.
fn text(message: &[u8], place: usize) -> Option<String> {
    let start = usize::from(u16_at(message, place)?);
    let length = usize::from(u16_at(message, place + 2)?) * 2;
    utf16(message.get(start..start + length)?)
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns an option of a PRELOGIN message, whose table has the place and length of each.
fn option(message: &[u8], wanted: u8) -> Option<&[u8]> {
    let (entries, _) = message.as_chunks::<5>();
    let options = entries.iter().take_while(|entry| entry[0] != TERMINATOR);
    let [_, place @ ..] = options.into_iter().find(|entry| entry[0] == wanted)?;
    let start = usize::from(u16::from_be_bytes([place[0], place[1]]));
    let length = usize::from(u16::from_be_bytes([place[2], place[3]]));
    message.get(start..start + length)
}

fn prelogin_answer() -> Vec<u8> {
    let options: [(u8, &[u8]); 3] = [
        (VERSION, &[16, 0, 0, 0, 0, 0]),
        (ENCRYPTION, &[NO_ENCRYPTION]),
        (FED_AUTH_REQUIRED, &[1]),
    ];
    let mut table = Vec::new();
    let mut values = Vec::new();
    for (name, value) in options {
        let place = options.len() * 5 + 1 + values.len();
        table.push(name);
        table.extend(u16::try_from(place).unwrap().to_be_bytes());
        table.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        values.extend(value);
    }
    table.push(TERMINATOR);
    [table, values].concat()
}

/// LOGINACK (MS-TDS 2.2.7.14), of TDS 7.4.
fn login_acknowledged() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    body.extend(short_text("Microsoft SQL Server"));
    body.extend([16, 0, 0, 0]);
    counted(0xAD, &body)
}

/// FEATUREEXTACK (MS-TDS 2.2.7.11): FEDAUTH, without data as there was no nonce.
fn feature_acknowledged() -> Vec<u8> {
    vec![0xAE, FEDAUTH, 0, 0, 0, 0, TERMINATOR]
}

/// ERROR (MS-TDS 2.2.7.10): 18456, a login that failed.
fn error_token(message: &str) -> Vec<u8> {
    let mut body = 18456_u32.to_le_bytes().to_vec();
    body.extend([1, 14]);
    body.extend(counted_text(message));
    body.extend(short_text("silentry"));
    body.extend(short_text(""));
    body.extend(1_u32.to_le_bytes());
    counted(0xAA, &body)
}

/// COLMETADATA and ROW (MS-TDS 2.2.7.4 and 2.2.7.19): one column, nvarchar(128).
fn one_row(value: &str) -> Vec<u8> {
    let mut tokens = vec![0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0xE7, 0, 1];
    tokens.extend([0x09, 0x04, 0xD0, 0x00, 0x34]);
    tokens.push(0);
    tokens.push(0xD1);
    tokens.extend(
        u16::try_from(value.encode_utf16().count() * 2)
            .unwrap()
            .to_le_bytes(),
    );
    tokens.extend(value.encode_utf16().flat_map(u16::to_le_bytes));
    tokens
}

/// DONE (MS-TDS 2.2.7.6).
fn done(status: u16, rows: u64) -> Vec<u8> {
    let mut token = vec![0xFD];
    token.extend(status.to_le_bytes());
    token.extend([0, 0]);
    token.extend(rows.to_le_bytes());
    token
}

fn counted(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut token = vec![kind];
    token.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    token.extend(body);
    token
}

fn short_text(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.encode_utf16().count()).unwrap()];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

fn counted_text(text: &str) -> Vec<u8> {
    let count = u16::try_from(text.encode_utf16().count()).unwrap();
    let mut bytes = count.to_le_bytes().to_vec();
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// Reads the packets of one message.
fn receive(client: &mut TcpStream, kind: u8) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut header = [0; 8];
        client.read_exact(&mut header)?;
        check(header[0] == kind, "another message was expected")?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut packet = vec![0; length.saturating_sub(header.len())];
        client.read_exact(&mut packet)?;
        message.extend(packet);
        if header[1] & 1 != 0 {
            return Ok(message);
        }
    }
}

fn answer(client: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len() + 8).unwrap().to_be_bytes();
    client.write_all(&[TABULAR_RESULT, 1, length[0], length[1], 0, 0, 1, 0])?;
    client.write_all(message)
}

fn check(holds: bool, otherwise: &str) -> io::Result<()> {
    holds.then_some(()).ok_or_else(|| malformed(otherwise))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
