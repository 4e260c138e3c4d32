//! Logs in to SQL Server as the signed-in user, with a token instead of a password.
//!
//! ```sh
//! export SILENTRY_CLIENT_ID=11111111-2222-3333-4444-555555555555 SILENTRY_TENANT=contoso.com
//! export SQL_SERVER="server=tcp:contoso.database.windows.net,1433;database=sales;encrypt=true"
//! cargo run --bin sql-server
//! ```
//!
//! The registration needs the delegated permission `user_impersonation` of *Azure SQL Database*, and the database a user
//! for the person: `CREATE USER [ana@contoso.com] FROM EXTERNAL PROVIDER`.

use std::env;
use std::error::Error;

use silentry::cache::store::default_store;
use silentry::{PublicClientApplication, TokenCache};
use tiberius::{AuthMethod, Client, Config};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cache = default_store("sql-server")
        .map_or_else(|_| TokenCache::in_memory(), TokenCache::with_store);
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(env::var("SILENTRY_TENANT")?)
        .with_token_cache(cache)
        .build()?;
    // The token is for the login alone: a connection stays when it expires. A pool asks for each new connection.
    let token = app
        .acquire_token(["https://database.windows.net/.default"])
        .await?;

    let mut config = Config::from_ado_string(&env::var("SQL_SERVER")?)?;
    config.authentication(AuthMethod::aad_token(token.access_token()));
    let mut client = connect(config).await?;
    let rows = client
        .simple_query("SELECT SUSER_SNAME()")
        .await?
        .into_first_result()
        .await?;
    for row in rows {
        let name: Option<&str> = row.get(0);
        println!("SQL Server knows me as {}", name.unwrap_or("nobody"));
    }
    Ok(())
}

/// Connects; Azure SQL may name another host to go to, once.
async fn connect(mut config: Config) -> Result<Client<Compat<TcpStream>>, Box<dyn Error>> {
    match connect_to(&config).await {
        Err(tiberius::error::Error::Routing { host, port }) => {
            config.host(host);
            config.port(port);
            Ok(connect_to(&config).await?)
        }
        answer => Ok(answer?),
    }
}

async fn connect_to(config: &Config) -> Result<Client<Compat<TcpStream>>, tiberius::error::Error> {
    let stream = TcpStream::connect(config.get_addr()).await?;
    stream.set_nodelay(true)?;
    Client::connect(config.clone(), stream.compat_write()).await
}
