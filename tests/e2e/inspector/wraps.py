# SPDX-License-Identifier: Apache-2.0
"""Every link type and tunnel around an IP packet: WRAPS is name: (link type, function of a packet to its frames)."""
import struct

ADDRESSES = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"


def be16(*values):
    return struct.pack(f">{len(values)}H", *values)


def be32(*values):
    return struct.pack(f">{len(values)}I", *values)


def is_v6(packet):
    return packet[0] >> 4 == 6


def ethertype(packet):
    return 0x86dd if is_v6(packet) else 0x0800


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def v4(protocol, payload, ident=1, place=0):
    header = be16(0x4500, 20 + len(payload), ident, place, 64 << 8 | protocol, 0) + b"\xc0\0\2\1\xc0\0\2\2"
    return header[:10] + be16(checksum(header)) + header[12:] + payload


def v6(protocol, payload):
    return be32(0x60000000) + be16(len(payload), protocol << 8 | 64) + b"\xfd" + bytes(14) + b"\1\xfd" + bytes(14) + b"\2" \
        + payload


def udp(port, payload):
    return be16(50000, port, 8 + len(payload), 0) + payload


def eth(packet, kind=None):
    return ADDRESSES + be16(ethertype(packet) if kind is None else kind) + packet


def vlan(tag, packet, kind=None):
    return be16(tag, ethertype(packet) if kind is None else kind) + packet


def label(number, bottom=True):
    return be32(number << 12 | (0x100 if bottom else 0) | 64)


def ppp(packet):
    return be16(0x57 if is_v6(packet) else 0x21) + packet


def pppoe(packet):
    return be16(0x1100, 7, len(packet) + 2) + ppp(packet)


def inner(packet):
    return 41 if is_v6(packet) else 4


def gre(flags, kind, payload, extra=b""):
    return v4(47, be16(flags, kind) + extra + payload)


def vxlan(packet):
    return be32(0x08000000, 7 << 8) + eth(packet)


def geneve(payload, kind, options=b""):
    return bytes([len(options) // 4, 0]) + be16(kind) + be32(7 << 8) + options + payload


def gtp(packet, extra=b""):
    return bytes([0x34 if extra else 0x30, 255]) + be16(len(packet) + len(extra)) + be32(9) + extra + packet


def family(number):
    return lambda packet: [struct.pack("<I", number if is_v6(packet) else 2) + packet]


def snap(packet):
    return b"\xaa\xaa\3\0\0\0" + be16(ethertype(packet)) + packet


def wifi(payload, qos=b"", flags=1):
    return bytes([0x88 if qos else 0x08, flags]) + bytes(2) + ADDRESSES + ADDRESSES[:6] + bytes(2) + qos + payload


def amsdu(packet):
    frame = ADDRESSES + be16(len(snap(packet))) + snap(packet)
    return wifi(frame, b"\x80\0")


def fragments(packet, size=24, around=lambda piece: piece, ident=None):
    """The packet's payload in pieces of size bytes, in the order of a network that turns it round."""
    if is_v6(packet):
        header, payload, number = packet[:40], packet[40:], struct.unpack(">I", packet[-4:])[0]
    else:
        header, payload, number = packet[:20], packet[20:], 0
    number = fragments.count = fragments.count + 1
    pieces = []
    for at in range(0, len(payload), size):
        part, more = payload[at:at + size], at + size < len(payload)
        if is_v6(packet):
            extension = bytes([header[6], 0]) + be16(at | more) + be32(number)
            pieces.append(header[:4] + be16(len(part) + 8) + b"\x2c" + header[7:] + extension + part)
        else:
            place = at // 8 | (0x2000 if more else 0)
            own = header[:2] + be16(20 + len(part), number & 0xffff, place) + header[8:10] + bytes(2) + header[12:]
            pieces.append(own[:10] + be16(checksum(own)) + own[12:] + part)
    return [around(piece) for piece in reversed(pieces)]


fragments.count = 0


def one(wrap):
    return lambda packet: [wrap(packet)]


WRAPS = {
    "ethernet": (1, one(eth)),
    "vlan": (1, one(lambda p: eth(vlan(5, p), 0x8100))),
    "qinq": (1, one(lambda p: eth(vlan(5, vlan(6, p), 0x8100), 0x88a8))),
    "three tags": (1, one(lambda p: eth(vlan(5, vlan(6, vlan(7, p), 0x8100), 0x8100), 0x9100))),
    "mpls": (1, one(lambda p: eth(label(16) + p, 0x8847))),
    "mpls multicast": (1, one(lambda p: eth(label(16, False) + label(17) + p, 0x8848))),
    "pseudowire": (1, one(lambda p: eth(label(20) + bytes(4) + eth(p), 0x8847))),
    "pppoe": (1, one(lambda p: eth(pppoe(p), 0x8864))),
    "llc": (1, one(lambda p: eth(snap(p), len(snap(p))) if len(p) < 1400 else eth(p))),
    "4in4, 6in4": (1, one(lambda p: eth(v4(inner(p), p)))),
    "4in6, 6in6": (1, one(lambda p: eth(v6(inner(p), p)))),
    "gre": (1, one(lambda p: eth(gre(0, ethertype(p), p)))),
    "gre with all": (1, one(lambda p: eth(gre(0xb000, ethertype(p), p, be32(0, 7, 1))))),
    "gre bridged": (1, one(lambda p: eth(gre(0x2000, 0x6558, eth(p), be32(7))))),
    "erspan 1": (1, one(lambda p: eth(gre(0, 0x88be, eth(p))))),
    "erspan 2": (1, one(lambda p: eth(gre(0x1000, 0x88be, be32(0x10050000, 0) + eth(p), be32(1))))),
    "erspan 3": (1, one(lambda p: eth(gre(0x1000, 0x22eb, be32(0x20050000, 1, 0) + eth(p), be32(1))))),
    "vxlan": (1, one(lambda p: eth(v4(17, udp(4789, vxlan(p)))))),
    "vxlan of linux": (1, one(lambda p: eth(v6(17, udp(8472, vxlan(p)))))),
    "geneve": (1, one(lambda p: eth(v4(17, udp(6081, geneve(eth(p), 0x6558)))))),
    "geneve with options": (1, one(lambda p: eth(v4(17, udp(6081, geneve(p, ethertype(p), b"\1\2\3\1aaaa")))))),
    "gtp-u": (1, one(lambda p: eth(v4(17, udp(2152, gtp(p)))))),
    "gtp-u with extensions": (1, one(lambda p: eth(v4(17, udp(2152, gtp(p, b"\0\0\0\x85\1\0\1\0")))))),
    "sll": (113, one(lambda p: bytes(2) + be16(1, 6) + bytes(8) + be16(ethertype(p)) + p)),
    "sll2": (276, one(lambda p: be16(ethertype(p)) + bytes(6) + be16(1) + b"\0\6" + bytes(8) + p)),
    "null of freebsd": (0, family(28)),
    "null of macos": (0, family(30)),
    "loop": (108, one(lambda p: be32(24 if is_v6(p) else 2) + p)),
    "raw": (101, one(lambda p: p)),
    "ppp": (9, one(ppp)),
    "hdlc": (50, one(lambda p: b"\xff\3" + ppp(p))),
    "802.11": (105, one(lambda p: wifi(snap(p)))),
    "802.11 qos": (105, one(lambda p: wifi(snap(p), b"\0\0"))),
    "802.11 aggregate": (105, one(amsdu)),
    "radiotap": (127, one(lambda p: b"\0\0\x08\0\0\0\0\0" + wifi(snap(p)))),
    "fragments": (101, fragments),
    "fragments in a tunnel": (1, lambda p: fragments(p, 32, lambda piece: eth(v4(17, udp(4789, vxlan(piece)))))),
    "fragments of a tunnel": (101, lambda p: fragments(v4(17, udp(4789, vxlan(p))), 48)),
    "each packet twice": (113, lambda p: [bytes(2) + be16(1, 6) + bytes(8) + be16(ethertype(p)) + p] * 2),
    "padded": (1, one(lambda p: eth(p) + bytes(max(0, 60 - 14 - len(p)) + 4))),
    "length 0": (1, one(lambda p: eth(p[:4] + b"\0\0" + p[6:] if is_v6(p) else p[:2] + b"\0\0" + p[4:]))),
}
