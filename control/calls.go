package control

// The parameters and replies of the methods; the interface definition has their documentation.
type (
	NameParam struct {
		Name string `json:"name"`
	}
	NamesParam struct {
		Names []string `json:"names"`
	}
	StartParam struct {
		Names []string `json:"names"`
		Debug bool     `json:"debug"`
		Hold  bool     `json:"hold"`
	}
	AdoptParam struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	}
	StatusReply struct {
		Status Status `json:"status"`
	}
	UsageReply struct {
		TimeMS     float64 `json:"time_ms"` // of the measurement
		Target     string  `json:"target"`
		State      string  `json:"state"`
		Components []Usage `json:"components"`
	}
	ShowReply struct {
		Detail Detail `json:"detail"`
	}
	EnterReply struct {
		Inside Inside `json:"inside"`
	}
	ListReply struct {
		Entries []Entry `json:"entries"`
	}
	ActivateParam struct {
		Target    string `json:"target"`
		Queue     bool   `json:"queue"`
		StopFirst bool   `json:"stop_first"`
		NoWait    bool   `json:"no_wait"`
	}
	ActivateReply struct {
		Progress *Progress `json:"progress"`
		Result   *Result   `json:"result"`
	}
	ResultReply struct {
		Result Result `json:"result"`
	}
	WaitParam struct {
		Names     []string `json:"names"`
		State     string   `json:"state"`
		TimeoutMS float64  `json:"timeout_ms"`
	}
	WaitReply struct {
		Met     bool     `json:"met"`
		Missing []string `json:"missing"`
	}
	TargetParam struct {
		Target string `json:"target"`
	}
	PlanReply struct {
		Plan Plan `json:"plan"`
	}
	WhyReply struct {
		Causes []string `json:"causes"`
	}
	GraphReply struct {
		Nodes []Node `json:"nodes"`
		Edges []Edge `json:"edges"`
	}
	LogParam struct {
		Name    string  `json:"name"`
		Lines   int     `json:"lines"`
		SinceMS float64 `json:"since_ms"` // wall clock, milliseconds of the Unix epoch
		Follow  bool    `json:"follow"`
	}
	LogReply struct {
		Line LogLine `json:"line"`
	}
	EventsParam struct {
		After  uint64 `json:"after"`
		Follow bool   `json:"follow"`
	}
	EventsReply struct {
		Event Event `json:"event"`
	}
	HistoryReply struct {
		Runs []Past `json:"runs"`
	}
	ApplyParam struct {
		ConfirmMS float64 `json:"confirm_ms"`
	}
	ApplyReply struct {
		Changes []Change `json:"changes"`
		Result  Result   `json:"result"`
	}
	UpgradeParam struct {
		Binary string `json:"binary"`
	}
	EndParam struct {
		How string `json:"how"` // poweroff, reboot, halt, kexec, exit
		Now bool   `json:"now"`
	}
	Empty struct{}
)

// The parameters of the errors.
type (
	RefusedError struct {
		Reason string   `json:"reason"`
		Hints  []string `json:"hints"`
	}
	FailedError struct {
		Reason string `json:"reason"`
	}
	DeniedError struct {
		Reason string `json:"reason"`
	}
	InvalidError struct {
		Problems []string `json:"problems"`
	}
)
