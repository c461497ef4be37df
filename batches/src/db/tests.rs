//! The same transactions on a file and on real servers.
