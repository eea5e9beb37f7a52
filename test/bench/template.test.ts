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
  });

  it('divide whole numbers towards zero', () => {
    expect(render('{{ DivideInt .Index 2 }}')).toBe('3');
  });

  it('leave text without expressions as it is', () => {
    expect(render('a: {b: c}')).toBe('a: {b: c}');
  });

  it('refuse what they do not know, and say what they do', () => {
    expect(() => compileTemplate('{{ .Name }}')).toThrow(TemplateError);
    expect(() => compileTemplate('{{ Shout .Index }}')).toThrow(/may use \.Index, \.Count, numbers and AddFloat/);
    expect(() => compileTemplate('{{ (Mod .Index 2 }}')).toThrow(/closing bracket/);
    expect(() => compileTemplate('{{ .Index .Count }}')).toThrow(/words too many/);
  });
});
