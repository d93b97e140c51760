package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// switchText is a file of a package that says which fault is to be made, by its number from 1.
const switchText = `package %s

import (
	"os"
	"strconv"
)

var fault, _ = strconv.Atoi(os.Getenv("` + faultVariable + `"))
`

const faultVariable = "ORDERLY_FAULT"

// numbered are faults by their number.
type numbered map[int]*mutant

// weave puts the faults of one file into its text.
func weave(file, text string, faults numbered) (string, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, text, 0)
	if err != nil {
		return "", err
	}
	w := weaver{text: text, at: func(p token.Pos) int { return set.Position(p).Offset }, asks: map[*ast.FuncDecl]string{}}
	for n, m := range faults {
		if err := w.add(tree, n, m); err != nil {
			return "", err
		}
	}
	return w.woven(tree), nil
}

type weaver struct {
	text   string
	at     func(token.Pos) int
	asks   map[*ast.FuncDecl]string // what is put at the beginning of a function
	copies strings.Builder
}

// add copies the function that the fault is in, with the fault.
func (w *weaver) add(tree *ast.File, n int, m *mutant) error {
	at, err := m.place(w.text)
	if err != nil {
		return err
	}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || w.at(f.Body.Lbrace) > at || at+len(m.right) > w.at(f.End()) {
			continue
		}
		name := fmt.Sprintf("%sFault%d", f.Name.Name, n)
		head := w.text[w.at(f.Pos()):w.at(f.Name.Pos())]
		rest := w.text[w.at(f.Name.End()):at] + m.wrong + w.text[at+len(m.right):w.at(f.End())]
		w.copies.WriteString("\n" + head + name + rest + "\n")
		w.asks[f] += ask(f, name, n)
		return nil
	}
	return fmt.Errorf("%s: %q is in no function", m.file, m.right)
}

// ask is the question at the beginning of f.
func ask(f *ast.FuncDecl, name string, n int) string {
	var values []string
	for _, p := range f.Type.Params.List {
		for _, id := range p.Names {
			value := id.Name
			if _, many := p.Type.(*ast.Ellipsis); many {
				value += "..."
			}
			values = append(values, value)
		}
	}
	if f.Recv != nil {
		name = f.Recv.List[0].Names[0].Name + "." + name
	}
	call := name + "(" + strings.Join(values, ", ") + ")"
	if f.Type.Results == nil {
		return fmt.Sprintf("\n\tif fault == %d {\n\t\t%s\n\t\treturn\n\t}", n, call)
	}
	return fmt.Sprintf("\n\tif fault == %d {\n\t\treturn %s\n\t}", n, call)
}

// woven is the text with the questions, and the copies behind it.
func (w *weaver) woven(tree *ast.File) string {
	var b strings.Builder
	from := 0
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || w.asks[f] == "" {
			continue
		}
		to := w.at(f.Body.Lbrace) + 1
		b.WriteString(w.text[from:to] + w.asks[f] + "\n")
		from = to
	}
	return b.String() + w.text[from:] + w.copies.String()
}
