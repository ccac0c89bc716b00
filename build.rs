//! How the program is linked on Linux with glibc. What a short run pays for is loading, so what it does
//! not need stays out.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |name: &str| env::var(name).unwrap_or_default();
    if target("CARGO_CFG_TARGET_OS") != "linux" || target("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    // The unwinder that Rust's panic messages want, from libgcc's archive and not from libgcc_s.so: loading
    // that takes a tenth of a short run's time and 100 kB.
    println!("cargo:rustc-link-lib=dylib:+verbatim=libgcc_eh.a");
    // The segments of the file share their pages: 40 kB.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,noseparate-code");
}
