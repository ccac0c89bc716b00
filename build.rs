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
    // What a short run uses lies side by side: 0.9 MB of its memory. Not every linker reads such a script, so this is for the
    // one that the compiler chooses.
    let chosen = env::var_os("RUSTC_LINKER").is_some() || target("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if target("PROFILE") == "release" && !chosen {
        println!("cargo:rerun-if-changed=layout.ld");
        println!("cargo:rustc-link-arg-bins=-T{}/layout.ld", target("CARGO_MANIFEST_DIR"));
    }
}
