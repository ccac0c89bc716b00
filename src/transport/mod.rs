//! Moves octets and stamps them. It knows no probes.
