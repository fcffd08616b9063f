"""Kernels: compiled arithmetic and data structures with equal results on every machine.

* `compiled`: how functions are compiled with numba and cached on disk, and why the bits are equal;
* `cache_folder`: where machine code is kept if numba can write none of its own folders;
* `numerics`: logarithm and exponential without the C library;
* `top_k`: top-k selection in linear time, ties broken by the smaller code;
* `decaying_rows`: bounded rows of counts with exponential decay;
* `buckets`: amounts as small whole numbers (binning, discretisation);
* `record_stores`: arrays of records that grow, their bytes and their digests.

Kernels know nothing of recommendation, and import `errors` alone.
"""
