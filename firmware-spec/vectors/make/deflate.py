"""
Raw deflate (RFC 1951) and the row filters of PNG, written out: the bytes that a library makes differ from version to
version, and the vectors may not.
"""

import heapq

LENGTHS = [(3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2),
           (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5),
           (163, 5), (195, 5), (227, 5), (258, 0)]  # fmt: skip
DISTANCES = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5),
             (97, 5), (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10),
             (3073, 10), (4097, 11), (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13)]  # fmt: skip
CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
FIXED_LITERALS = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
FIXED_DISTANCES = [5] * 32


class Bits:
    """Bits as deflate packs them: from the lowest of each byte on."""

    def __init__(self) -> None:
        self.value, self.size = 0, 0

    def put(self, value: int, size: int) -> None:
        self.value |= value << self.size
        self.size += size

    def code(self, value: int, size: int) -> None:
        """A Huffman code: its highest bit first."""
        for bit in reversed(range(size)):
            self.put(value >> bit & 1, 1)

    def align(self) -> None:
        self.size = (self.size + 7) // 8 * 8

    def bytes(self) -> bytes:
        return self.value.to_bytes((self.size + 7) // 8, "little")


def stored(data: bytes) -> bytes:
    bits = Bits()
    chunks = [data[at : at + 65535] for at in range(0, len(data), 65535)] or [b""]
    for index, chunk in enumerate(chunks):
        bits.put(index == len(chunks) - 1, 1)
        bits.put(0, 2)
        bits.align()
        bits.put(len(chunk), 16)
        bits.put(len(chunk) ^ 0xFFFF, 16)
        for byte in chunk:
            bits.put(byte, 8)
    return bits.bytes()


def fixed(data: bytes) -> bytes:
    bits = Bits()
    bits.put(1, 1)
    bits.put(1, 2)
    body(bits, tokens(data), FIXED_LITERALS, FIXED_DISTANCES)
    return bits.bytes()


def dynamic(data: bytes) -> bytes:
    found = tokens(data)
    literals = lengths_for([symbol for symbol, *_ in found] + [256], 286)
    far = [pair[2] for pair in found if len(pair) > 1]
    # RFC 1951 3.2.7: a single distance code has one bit; where there is none, one code has no bits.
    distances = lengths_for(far, 30) if len(set(far)) > 1 else [int(far[:1] == [symbol]) for symbol in range(30)]
    used = [max([1, *(at + 1 for at, size in enumerate(table) if size)]) for table in (literals, distances)]
    plain = literals[: used[0]] + distances[: used[1]]
    codes = lengths_for(plain, 19, 7)
    count = max(at + 1 for at, symbol in enumerate(CODE_ORDER) if codes[symbol])
    bits = Bits()
    bits.put(1, 1)
    bits.put(2, 2)
    bits.put(used[0] - 257, 5)
    bits.put(used[1] - 1, 5)
    bits.put(max(count, 4) - 4, 4)
    for symbol in CODE_ORDER[: max(count, 4)]:
        bits.put(codes[symbol], 3)
    words = canonical(codes)
    for size in plain:
        bits.code(words[size], codes[size])
    body(bits, found, literals, distances)
    return bits.bytes()


def body(bits: Bits, found: list, literals: list[int], distances: list[int]) -> None:
    literal_codes, distance_codes = canonical(literals), canonical(distances)
    for symbol, *match in [*found, (256,)]:
        bits.code(literal_codes[symbol], literals[symbol])
        if match:
            extra, distance, distance_extra = match
            bits.put(extra, LENGTHS[symbol - 257][1])
            bits.code(distance_codes[distance], distances[distance])
            bits.put(distance_extra, DISTANCES[distance][1])


def tokens(data: bytes) -> list:
    """Literals (byte,) and matches (length symbol, extra, distance symbol, extra); greedy, the nearest of the longest."""
    out, at, seen = [], 0, {}
    while at < len(data):
        best, where = 0, 0
        for start in reversed(seen.get(data[at : at + 3], [])[-64:]):
            if best == 258:
                break
            size = 0
            while size < 258 and at + size < len(data) and data[start + size] == data[at + size]:
                size += 1
            if size > best:
                best, where = size, start
        step = max(best, 1) if best >= 3 else 1
        if best >= 3:
            length, distance = symbol_of(LENGTHS, best), symbol_of(DISTANCES, at - where)
            out.append((257 + length, best - LENGTHS[length][0], distance, at - where - DISTANCES[distance][0]))
        else:
            out.append((data[at],))
        for each in range(at, at + step):
            seen.setdefault(data[each : each + 3], []).append(each)
        at += step
    return out


def symbol_of(table: list, value: int) -> int:
    return max(index for index, (base, _) in enumerate(table) if base <= value)


def lengths_for(symbols: list[int], size: int, most: int = 15) -> list[int]:
    """Huffman code lengths of at most `most`; one symbol gets a second one, as some inflaters want a complete code."""
    counts = {symbol: symbols.count(symbol) for symbol in sorted(set(symbols))}
    while len(counts) < 2:
        counts[next(each for each in range(size) if each not in counts)] = 1
    while True:
        heap = [(count, symbol, [symbol]) for symbol, count in counts.items()]
        heapq.heapify(heap)
        out = [0] * size
        while len(heap) > 1:
            (a, key, left), (b, other, right) = heapq.heappop(heap), heapq.heappop(heap)
            for symbol in left + right:
                out[symbol] += 1
            heapq.heappush(heap, (a + b, min(key, other), left + right))
        if max(out) <= most:
            return out
        counts = {symbol: (count + 1) // 2 for symbol, count in counts.items()}


def canonical(lengths: list[int]) -> list[int]:
    """RFC 1951 section 3.2.2."""
    code, out = 0, [0] * len(lengths)
    for size in range(1, 16):
        code <<= 1
        for symbol, each in enumerate(lengths):
            if each == size:
                out[symbol] = code
                code += 1
    return out


def filtered(pixels: bytes, width: int, filters: list[int]) -> bytes:
    """Each row with its filter type before it (ISO/IEC 15948 section 9.2); zeros lie above the first row."""
    out, above = bytearray(), bytes(width)
    for index, kind in enumerate(filters):
        row = pixels[index * width : (index + 1) * width]
        out.append(kind)
        for x, value in enumerate(row):
            left, corner = (row[x - 1], above[x - 1]) if x else (0, 0)
            guess = [0, left, above[x], (left + above[x]) // 2, paeth(left, above[x], corner)][kind]
            out.append((value - guess) % 256)
        above = row
    return bytes(out)


def paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((abs(guess - left), 0, left), (abs(guess - above), 1, above), (abs(guess - corner), 2, corner))[2]
