//! WS-Trust requests.
