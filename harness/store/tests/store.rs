//! Workspaces from outside: archives, the daemon as a process, the saver in virtual time, and a real S3 server.

mod served;
#[cfg(test)]
mod store {
    mod archive;
    mod daemon;
    mod s3;
    mod saver;
    mod scripted;
}
mod support;
