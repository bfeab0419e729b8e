"""A cohort of rare-cancer 1.1 with every clinical table, small enough to be read whole."""

import json

import pytest

TABLES = {
    "patient": """\
patient_id,sex,birth_year,birth_month,nationality_code,region_code,income_quintile,occupation_code,vital_status,last_contact_date,death_date,death_cause_icd10
SY00000001,1,1971,3,2,51,2,04,2,2021-09-30,2021-09-30,C492
SY00000002,2,1948,11,2,11,,,1,2023-12-31,,
SY00000003,1,1960,,2,51,,,1,2022-06-30,,
SY00000004,2,1930,,2,,,,2,2015-01-20,2015-01-20,C80
""",
    "tumour": """\
tumour_id,patient_id,tumour_sequence,diagnosis_date,age_at_diagnosis,topography,morphology,behaviour,icd10,entity,grade,laterality,basis_of_diagnosis,diagnosis_route,seer_stage,stage_group,metastasis_at_dx,first_treatment_flags
SY00000001T1,SY00000001,1,2018-03-12,47,C492,8858,3,C492,liposarcoma,3,1,7,3,2,IIIA,0,11100
SY00000002T1,SY00000002,1,2019-06-03,70,C693,8720,3,C693,uveal_melanoma,9,2,2,3,1,IIA,0,00100
SY00000002T2,SY00000002,2,2022-02-01,73,C169,8936,3,C169,gist,9,,7,2,1,I,0,10000
SY00000003T1,SY00000003,1,2020-10-05,60,C379,8582,3,C37,thymoma,9,,7,2,2,II,0,10100
SY00000004T1,SY00000004,1,2015-01-20,84,C419,9180,3,C419,osteosarcoma,9,,0,,9,,9,00000
""",
    "staging": """\
staging_id,tumour_id,staging_date,timing,system,t,n,m,stage_group
SY00000001T1G01,SY00000001T1,2018-03-15,c,AJCC8,T2,N0,M0,IIIA
SY00000001T1G02,SY00000001T1,2018-04-09,p,AJCC8,T2,N0,M0,IIIA
SY00000002T1G01,SY00000002T1,2019-06-03,c,AJCC8,T2a,N0,M0,IIA
SY00000003T1G01,SY00000003T1,2020-11-02,p,Masaoka,,,,II
""",
    "metastasis": """\
metastasis_id,tumour_id,diagnosis_date,site,method,pattern
SY00000001T1M01,SY00000001T1,2020-02-10,C341,1,2
SY00000001T1M02,SY00000001T1,2021-01-11,C220,2,1
""",
    "pathology": """\
pathology_id,tumour_id,specimen_date,specimen_type,histology_text,grade_system,grade_value,tumour_size_mm,margin,nodes_examined,nodes_positive,mitotic_count,necrosis
SY00000001T1P01,SY00000001T1,2018-03-10,biopsy,Dedifferentiated liposarcoma,FNCLCC,3,,,,,11.5,Y
SY00000001T1P02,SY00000001T1,2018-04-09,resection,Dedifferentiated liposarcoma,FNCLCC,3,82,R1,4,0,12.0,Y
SY00000002T2P01,SY00000002T2,2022-02-01,resection,,,,31,R0,,,0.4,N
SY00000003T1P01,SY00000003T1,2020-11-02,resection,,WHO,AB,54,R0,,,,
""",
    "biomarker": """\
biomarker_id,tumour_id,test_date,method,marker,origin,result,hgvs,value_number,unit
SY00000001T1B01,SY00000001T1,2018-03-20,FISH,MDM2,somatic,positive,,,
SY00000002T1B01,SY00000002T1,2019-06-20,NGS,GNAQ,somatic,positive,p.Q209L,,
SY00000002T2B01,SY00000002T2,2022-02-20,NGS,KIT,somatic,positive,p.W557_K558del,,
SY00000002T2B02,SY00000002T2,2022-02-20,NGS,PDGFRA,somatic,negative,,,
""",
    "measurement": """\
measurement_id,patient_id,measured_date,code,value_number,unit
SY00000001V001,SY00000001,2018-03-12,89247-1,1,{score}
SY00000001V002,SY00000001,2018-03-12,8302-2,176,cm
SY00000003V001,SY00000003,2020-10-05,29463-7,81.5,kg
""",
    "treatment_line": """\
line_id,tumour_id,line_number,intent,regimen,start_date,end_date,cycles,stop_reason,best_response,max_toxicity_grade
SY00000001T1L01,SY00000001T1,1,01,Doxorubicin + Ifosfamide,2018-05-14,2018-06-04,2,9,,3
SY00000001T1L02,SY00000001T1,2,07,Trabectedin,2020-03-02,2020-03-23,2,1,SD,2
SY00000002T2L01,SY00000002T2,1,01,Imatinib,2022-03-14,,,,,1
""",
    "drug_exposure": """\
drug_id,line_id,start_date,atc,class,dose,dose_unit,route
SY00000001T1L01D001,SY00000001T1L01,2018-05-14,L01DB01,01,150,mg,03
SY00000001T1L01D002,SY00000001T1L01,2018-05-14,L01AA06,01,9000,mg,03
SY00000001T1L01D003,SY00000001T1L01,2018-06-04,L01DB01,01,150,mg,03
SY00000001T1L02D001,SY00000001T1L02,2020-03-02,L01CX01,01,2.6,mg,03
SY00000001T1L02D002,SY00000001T1L02,2020-03-23,L01CX01,01,2.6,mg,03
SY00000002T2L01D001,SY00000002T2L01,2022-03-14,L01EA01,02,400,mg,01
""",
    "surgery": """\
surgery_id,tumour_id,surgery_date,procedure_code,purpose,asa,residual
SY00000001T1S01,SY00000001T1,2018-04-09,83.49,1,02,R1
SY00000002T2S01,SY00000002T2,2022-02-01,43.42,1,,R0
SY00000003T1S01,SY00000003T1,2020-11-02,07.82,1,01,R0
""",
    "radiotherapy": """\
rt_id,tumour_id,start_date,modality,purpose,site,fractions,dose_per_fraction_gy,total_dose_gy
SY00000001T1R01,SY00000001T1,2018-07-02,03,3,99,30,2,60
SY00000002T1R01,SY00000002T1,2019-07-01,04,1,99,4,15,60
SY00000003T1R01,SY00000003T1,2021-01-04,03,3,99,25,2,50
""",
    "outcome": """\
outcome_id,tumour_id,event_date,event_type,site,method
SY00000001T1E01,SY00000001T1,2020-02-10,recurrence_distant,C341,1
SY00000001T1E02,SY00000001T1,2021-01-11,progression,,2
SY00000003T1E01,SY00000003T1,2021-03-01,remission,,1
""",
}


@pytest.fixture(scope="session")
def clinical(tmp_path_factory):
    """Folder of the cohort."""
    folder = tmp_path_factory.mktemp("clinical") / "cohort"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    manifest = {
        "schema": "rare-cancer@1.1.0",
        "files": {f"{name}.csv": {} for name in TABLES},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
