import { describe, expect, it } from 'vitest';
import { compileTemplate, TemplateError } from '../../bench/template.ts';

const render = (text: string, Index = 7, Count = 10) => compileTemplate(text)({ Index, Count });

describe('Go templates of benchmark files', () => {
  it('fill in the number of the object and the count', () => {
    expect(render('name: pod-{{ .Index }} of {{.Count}}')).toBe('name: pod-7 of 10');
  });

  it('call functions, nested ones too', () => {
    expect(
      render('{{ Mod .Index 3 }} {{ DivideInt 30000 .Count }} {{ AddInt .Index 1 }} {{ SubtractInt 1 .Index }}'),
    ).toBe('1 3000 8 -6');
    expect(render('{{ MultiplyInt (AddInt .Index 1) 2 }} {{ DivideFloat 1 4 }}')).toBe('16 0.25');
    expect(render('{{ AddInt 1 2 3 }} {{ SubtractFloat 1.5 0.5 }} {{ MultiplyFloat 2 0.5 3 }}')).toBe('6 1 3');
  });

  it('divide whole numbers towards zero', () => {
    expect(render('{{ DivideInt .Index 2 }}')).toBe('3');
    expect(() => render('{{ DivideInt .Index 0 }}')).toThrow(/division by zero/);
  });

  it('read the parameters of an operation', () => {
    const template = compileTemplate('{{ .zone }}-{{ AddInt .offset .Index }}', ['Index', 'Count', 'zone', 'offset']);
    expect(template({ Index: 1, Count: 2, zone: 'a', offset: '3' })).toBe('a-4');
  });

  it('choose, pipe, print and trim as Go does', () => {
    expect(render('{{ if eq (Mod .Index 2) 0 }}even{{ else if gt .Index 5 }}odd and many{{ else }}odd{{ end }}')).toBe(
      'odd and many',
    );
    expect(render('{{ if and (lt .Index 8) (not false) }}yes{{ end }}{{ if false }}no{{ end }}')).toBe('yes');
    expect(render('{{ .Index | Mod 12 | printf "n-%03d" }}{{/* not seen */}}')).toBe('n-005');
    expect(render('a\n  {{- print "b" `c` -}}\n  d')).toBe('abcd');
  });

  it('leave text without expressions as it is', () => {
    expect(render('a: {b: c}')).toBe('a: {b: c}');
  });

  it('refuse what they do not know, and say what they do', () => {
    expect(() => compileTemplate('{{ .Name }}')).toThrow(TemplateError);
    expect(() => compileTemplate('{{ Shout .Index }}')).toThrow(/may use \.Index, \.Count, numbers and AddFloat/);
    expect(() => compileTemplate('{{ (Mod .Index 2 }}')).toThrow(/closing bracket/);
    expect(() => compileTemplate('{{ .Index .Count }}')).toThrow(/words too many/);
    expect(() => compileTemplate('{{ if .Index }}')).toThrow(/lacks its end/);
    expect(() => compileTemplate('{{ end }}')).toThrow(/without an if/);
    expect(() => compileTemplate('{{ range .Count }}{{ end }}')).toThrow(TemplateError);
  });
});
