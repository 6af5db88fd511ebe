//! `struct tcp_info` (tcp(7), linux/tcp.h).

/// What the kernel knows about a TCP connection: the fields used here of `struct tcp_info`, zero where the
/// running kernel does not have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// The state: 1 is ESTABLISHED, 2 SYN-SENT, 7 CLOSE, 8 CLOSE-WAIT.
    pub state: u8,
    /// Maximum segment size in use towards the other side, in bytes.
    pub snd_mss: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Retransmitted segments that are on the way now.
    pub retrans: u32,
    /// Path MTU in bytes.
    pub pmtu: u32,
    /// Smoothed round-trip time in microseconds; 0 when nothing was measured. After a handshake it is that of
    /// the handshake.
    pub rtt_us: u32,
    /// All retransmissions so far, those of the SYN included.
    pub total_retrans: u32,
    /// Sequence numbers acknowledged: payload bytes, and one for our SYN.
    pub bytes_acked: u64,
    /// Payload bytes received in order (and one for the other side's FIN).
    pub bytes_received: u64,
}

impl TcpInfo {
    /// `TCP_ESTABLISHED`.
    pub const ESTABLISHED: u8 = 1;
    /// `TCP_SYN_SENT`.
    pub const SYN_SENT: u8 = 2;
    /// `TCP_CLOSE`.
    pub const CLOSE: u8 = 7;
    /// `TCP_CLOSE_WAIT`.
    pub const CLOSE_WAIT: u8 = 8;

    /// Reads as much of a `struct tcp_info` as there is. The struct only ever grows at its end, so the offsets
    /// hold for all kernels.
    pub fn decode(bytes: &[u8]) -> Self {
        Self {
            state: bytes.first().copied().unwrap_or(0),
            snd_mss: word(bytes, 16),
            unacked: word(bytes, 24),
            retrans: word(bytes, 36),
            pmtu: word(bytes, 60),
            rtt_us: word(bytes, 68),
            total_retrans: word(bytes, 100),
            bytes_acked: long(bytes, 120),
            bytes_received: long(bytes, 128),
        }
    }

    /// The handshake completed and we have not closed: the other side may have.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, Self::ESTABLISHED | Self::CLOSE_WAIT)
    }

    /// SYNs sent, while no payload was.
    pub fn syns(&self) -> u32 {
        self.total_retrans.saturating_add(1)
    }

    /// The local stack refused to send the SYN again: a repetition was due and none is on the way. Seen only
    /// once a SYN was repeated.
    pub fn is_refused_here(&self) -> bool {
        self.state == Self::SYN_SENT && self.total_retrans >= 1 && self.retrans == 0
    }
}

fn word(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

fn long(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_stand_where_the_kernel_puts_them() {
        let mut bytes = [0_u8; 248];
        bytes[0] = TcpInfo::SYN_SENT;
        bytes[36..40].copy_from_slice(&1_u32.to_ne_bytes());
        bytes[68..72].copy_from_slice(&1234_u32.to_ne_bytes());
        bytes[100..104].copy_from_slice(&2_u32.to_ne_bytes());
        bytes[128..136].copy_from_slice(&77_u64.to_ne_bytes());
        let info = TcpInfo::decode(&bytes);
        assert_eq!((info.state, info.retrans, info.rtt_us, info.bytes_received), (2, 1, 1234, 77));
        assert_eq!((info.syns(), info.is_refused_here()), (3, false));
        bytes[36] = 0;
        bytes[37] = 0;
        bytes[38] = 0;
        bytes[39] = 0;
        assert!(TcpInfo::decode(&bytes).is_refused_here());
    }

    #[test]
    fn an_older_kernel_leaves_the_end_out() {
        let info = TcpInfo::decode(&[1; 104]);
        assert_eq!((info.state, info.total_retrans, info.bytes_acked), (1, 0x0101_0101, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let info = TcpInfo::decode(&bytes);
            let _ = (info.syns(), info.is_connected(), info.is_refused_here());
        }
    }
}
