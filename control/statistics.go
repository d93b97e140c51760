package control

// Statistics are what the kernel has counted of a component's cgroup since that was made, mostly since its newest start. What no
// controller counts is null, and a number that this kernel does not have is 0.
type Statistics struct {
	CPU      CPUStatistics      `json:"cpu"`
	Memory   *MemoryStatistics  `json:"memory"`
	Pids     *PidsStatistics    `json:"pids"`
	IO       []DeviceStatistics `json:"io"`
	Pressure []Pressure         `json:"pressure"`
}

// CPUStatistics are of cpu.stat. The last three are 0 where cpu_max is not limited.
type CPUStatistics struct {
	UserMS           float64 `json:"user_ms"`
	SystemMS         float64 `json:"system_ms"`
	Periods          int64   `json:"periods"`
	ThrottledPeriods int64   `json:"throttled_periods"`
	ThrottledMS      float64 `json:"throttled_ms"`
}

// MemoryStatistics are of the memory.* files.
type MemoryStatistics struct {
	CurrentBytes  int64 `json:"current_bytes"`
	PeakBytes     int64 `json:"peak_bytes"`
	SwapBytes     int64 `json:"swap_bytes"`
	SwapPeakBytes int64 `json:"swap_peak_bytes"`
	BelowLow      int64 `json:"below_low"`  // times that it was reclaimed from below memory_low
	AtHigh        int64 `json:"at_high"`    // times that it was slowed down above memory_high
	AtMax         int64 `json:"at_max"`     // times that it was at memory_max
	OOM           int64 `json:"oom"`        // times that nothing could be reclaimed there
	Killed        int64 `json:"killed"`     // processes, for want of memory
	GroupKilled   int64 `json:"killed_all"` // times that all were
}

// PidsStatistics are of the pids.* files.
type PidsStatistics struct {
	Current int64 `json:"current"`
	Peak    int64 `json:"peak"`
	Refused int64 `json:"refused"` // that the limit did not let come to life
}

// DeviceStatistics are of one line of io.stat.
type DeviceStatistics struct {
	Device     string `json:"device"` // MAJOR:MINOR
	ReadBytes  int64  `json:"read_bytes"`
	WriteBytes int64  `json:"write_bytes"`
	Reads      int64  `json:"reads"`
	Writes     int64  `json:"writes"`
}

// Pressure is how much of the time processes of the component waited for a resource.
type Pressure struct {
	Resource string  `json:"resource"` // cpu, memory, io
	Kind     string  `json:"kind"`     // some of them, or full: all of them
	Avg10    float64 `json:"avg10"`    // percent of the last 10 s
	Avg60    float64 `json:"avg60"`
	Avg300   float64 `json:"avg300"`
	TotalMS  float64 `json:"total_ms"`
}
