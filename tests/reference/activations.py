"""The activations of units, in mpmath, as their papers have them.  Never imports fastopt."""
import mpmath as mp

SELU = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")


def _logistic(z):
    return 1 / (1 + mp.exp(-z))


def _elu(z, alpha=1):
    return z if z > 0 else alpha * mp.expm1(z)


def _share(z):
    return min(mp.mpf(1), max(mp.mpf(0), z / 6 + mp.mpf(1) / 2))


#: value at z
EXACT = {
    "identity": lambda z: z,
    "relu": lambda z: max(mp.mpf(0), z),
    "leaky_relu": lambda z, alpha=0.01: z if z > 0 else alpha * z,
    "elu": _elu,
    "selu": lambda z: SELU[0] * _elu(z, SELU[1]),
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "logistic": _logistic,
    "tanh": mp.tanh,
    "exponential": mp.exp,
    "hard_tanh": lambda z: max(mp.mpf(-1), min(mp.mpf(1), z)),
    "hard_sigmoid": _share,
    "relu6": lambda z: min(mp.mpf(6), max(mp.mpf(0), z)),
    "gelu": lambda z: z * mp.ncdf(z),
    "gelu_tanh": lambda z: z * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z ** 3))) / 2,
    "silu": lambda z: z * _logistic(z),
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "hard_swish": lambda z: z * _share(z),
}
