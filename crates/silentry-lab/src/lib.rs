//! Active Directory, AD FS and Microsoft Entra ID on one machine.

pub mod kdc;
pub mod kerberos;
