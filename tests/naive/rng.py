"""Philox 4x32-10 and bounded numbers, in Python integers, from the paper's definition."""

M = (0xD2511F53, 0xCD9E8D57)
W = (0x9E3779B9, 0xBB67AE85)


def philox(counter, key):
    """Ten rounds over four 32-bit words of counter and two of key."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = M[0] * c[0], M[1] * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
        k = [(k[0] + W[0]) % 2**32, (k[1] + W[1]) % 2**32]
    return c


def word(key, draw, index):
    """64-bit word `index` of draw `draw`."""
    low = index // 2
    counter = [low % 2**32, low >> 32, draw % 2**32, draw >> 32]
    out = philox(counter, [key % 2**32, key >> 32])
    half = out[2:] if index % 2 else out[:2]
    return half[0] + (half[1] << 32)


def below(word, n):
    return word * n >> 64
