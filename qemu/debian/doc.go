// Package debian gets kernels and packages of another architecture without touching the host: a private apt with
// its own lists, status and cache, that uses the sources and keys of the host's apt. It owns what is downloaded and
// extracted; what the packages are for it does not know.
//
//	host's sources, keys ──► apt-get (private, other architecture) ──► *.deb, verified ──► tree
package debian
