package boot

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"

	"github.com/orderly-init/orderly/internal/durable"
)

const (
	machineIDFile   = "/etc/machine-id"
	transientIDFile = "/run/orderly/machine-id"
)

// machineID gives the machine its identity (machine-id(5)): one that lasts, or where nothing can be written, and
// when it is meant so, one for this boot.
func (u *up) machineID() {
	switch u.System.MachineID {
	case "transient":
		u.fail("machine id", bounded(settingLimit, func() error { return transientID(machineIDFile, transientIDFile) }))
	case "persistent":
		err := bounded(settingLimit, func() error { return persistentID(machineIDFile) })
		if errors.Is(err, errHangs) || err == nil {
			u.fail("machine id", err)
			return
		}
		u.note(targets.Warning, fmt.Sprintf("machine id: only for this boot: %v", err))
		u.fail("machine id", bounded(settingLimit, func() error { return transientID(machineIDFile, transientIDFile) }))
	}
}

// persistentID writes an identity where there is none.
func persistentID(path string) error {
	if b, err := os.ReadFile(path); err == nil && isMachineID(firstLine(string(b))) {
		return nil
	}
	id, err := newMachineID()
	if err != nil {
		return err
	}
	return durable.Save(path, []byte(id+"\n"), 0o444)
}

// transientID puts one for this boot into a volatile file, over the lasting one where that exists.
func transientID(path, volatile string) error {
	if !exists(volatile) {
		id, err := newMachineID()
		if err != nil {
			return err
		}
		if err := durable.Save(volatile, []byte(id+"\n"), 0o444); err != nil {
			return err
		}
	}
	if !exists(path) || mounted(path) {
		return nil
	}
	return wrap("bind mount on "+path, unix.Mount(volatile, path, "", unix.MS_BIND, ""))
}

func isMachineID(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 16
}

// newMachineID is a random UUID of version 4 without its dashes, as machine-id(5) wants it.
func newMachineID() (string, error) {
	b, err := random(16)
	if err != nil {
		return "", err
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return hex.EncodeToString(b), nil
}

// random reads the kernel's generator without waiting for it: early in a first boot it may have next to no entropy,
// and a machine that does not come up is worse (random(4)).
func random(n int) ([]byte, error) {
	f, err := os.Open("/dev/urandom")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, n)
	_, err = f.Read(b)
	return b, err
}

// The random seed carries randomness over a reboot (random(4)).
const (
	seedSize  = 512
	seedLimit = 5 * time.Second
	seedName  = "random-seed"
)

// seed mixes the seed of the last boot into the kernel's generator, and writes the next one at once: no seed is
// used twice, even when the power goes now. It is not credited as entropy: an image may have been copied.
func (u *up) seed() {
	path := filepath.Join(stateOf(u.StateDirectory), seedName)
	err := bounded(seedLimit, func() error { return stir(path, "/dev/urandom") })
	if errReadOnly(err) {
		u.Say(targets.Debug, "random seed: "+err.Error())
		return
	}
	u.fail("random seed", err)
}

// stir writes the seed into the generator and a new one into the file. The generator may take what is written only
// later, so the new seed has a hash of the old one in it.
func stir(path, generator string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(old) > 0 {
		if err := writeTo(generator, old[:min(len(old), seedSize)]); err != nil {
			return err
		}
	}
	next, err := random(seedSize)
	if err != nil {
		return err
	}
	mix := sha512.New()
	mix.Write(old)
	mix.Write(next)
	return durable.Save(path, append(next[:seedSize-sha512.Size], mix.Sum(nil)...), 0o600)
}

// SaveSeed writes the seed for the next boot, where the last one has its place.
func SaveSeed(stateDirectory string) error {
	directory := stateOf(stateDirectory)
	if !exists(directory) {
		return nil
	}
	b := make([]byte, seedSize)
	if _, err := unix.Getrandom(b, unix.GRND_NONBLOCK); err != nil {
		return nil // a generator that is not ready yet has nothing to give
	}
	return durable.Save(filepath.Join(directory, seedName), b, 0o600)
}
