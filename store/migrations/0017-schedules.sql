-- Birthdays by the moon: birth_month and birth_day are then those of its calendar, and 'lunar-leap' is a day of a leap month.
alter table customers
  add column birth_calendar text not null default 'solar',
  add constraint customers_birth_calendar check (birth_calendar in ('solar', 'lunar', 'lunar-leap'));
