//! What this host says: disks, memory, ports, sockets, JVMs.
