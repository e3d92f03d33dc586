"""Records of the engine as arrays; C functions and the memory behind the arrays."""

class Records:
    def __buffer__(self, flags: int, /) -> memoryview: ...
