package main

import "fmt"

// wide starts many components side by side and stops them.
func wide(l *lab) ([]row, error) {
	floor, orderly, err := l.interleave(l.count, "wide", l.side(l.count))
	if err != nil {
		return nil, err
	}
	return []row{
		{name: fmt.Sprintf("%d independent starts", l.count), unit: "ms",
			floor: pick(floor, all), got: pick(orderly, all), goal: goal{ofFloor, 1.5}},
		{name: fmt.Sprintf("stop of %d", l.count), unit: "ms",
			floor: pick(floor, stop), got: pick(orderly, stop), goal: goal{ofFloor, 2}},
	}, nil
}

// chain starts components one after another, each when the one before has said that it is ready.
func chain(l *lab) ([]row, error) {
	floor, orderly, err := l.interleave(l.hops, "chain", l.line(l.hops))
	if err != nil {
		return nil, err
	}
	hop := func(t times) float64 { return t.span * 1000 / float64(l.hops-1) }
	return []row{{name: fmt.Sprintf("a hop in a chain of %d", l.hops), unit: "µs",
		floor: pick(floor, hop), got: pick(orderly, hop), goal: goal{ofFloor, 1.5}}}, nil
}

func all(t times) float64  { return t.all }
func stop(t times) float64 { return t.stop }

func pick(rounds []times, what func(times) float64) float64 {
	var values []float64
	for _, t := range rounds {
		values = append(values, what(t))
	}
	return median(values)
}

// interleave runs floor and Orderly in turn, each in a fresh process.
func (l *lab) interleave(n int, kind, conf string) (floor, orderly []times, err error) {
	for range l.rounds {
		f, err := l.floorRound(n, kind)
		if err != nil {
			return nil, nil, err
		}
		o, err := l.orderlyRound(n, conf)
		if err != nil {
			return nil, nil, err
		}
		floor, orderly = append(floor, f), append(orderly, o)
	}
	return floor, orderly, nil
}

// orderlyRound starts and stops n components. The time runs from before the request is sent.
func (l *lab) orderlyRound(n int, conf string) (t times, err error) {
	d, err := l.start(conf)
	if err != nil {
		return t, err
	}
	begin := now()
	if err := d.activate("all"); err != nil {
		return t, err
	}
	first, last, err := l.fifo.take(n)
	if err != nil {
		return t, err
	}
	stop := now()
	if err := d.activate("idle"); err != nil {
		return t, err
	}
	t = times{all: ms(last - begin), span: ms(last - first), stop: ms(now() - stop)}
	return t, d.end()
}
